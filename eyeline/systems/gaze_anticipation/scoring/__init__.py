"""From predictions to sums of scores, and the thresholds that they are taken at."""
