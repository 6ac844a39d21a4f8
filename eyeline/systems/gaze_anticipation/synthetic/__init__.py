"""Synthetic outings: what happens, how it looks and how it sounds."""
