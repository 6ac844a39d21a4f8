"""Parts of `scripts/fit_gaze_targets.py`."""
