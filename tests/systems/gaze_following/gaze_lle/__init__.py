"""Tests of Gaze-LLE."""
