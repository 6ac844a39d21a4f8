"""Synthetic recordings: what happens, how it looks and how it sounds."""
