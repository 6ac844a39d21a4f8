"""What all evaluations share: tables, scores, intervals, reports."""
