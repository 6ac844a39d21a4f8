"""Boxes, directions and the camera: pure functions on numpy arrays."""
