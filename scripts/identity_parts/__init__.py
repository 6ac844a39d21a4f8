"""Parts of `scripts/fit_identity.py`."""
