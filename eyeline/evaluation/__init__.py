"""What all evaluations share: tables of predictions and truth, scores, intervals, reports, plots."""
