"""Synthetic scenes: what happens, how it looks and sounds, and what annotators would note."""
