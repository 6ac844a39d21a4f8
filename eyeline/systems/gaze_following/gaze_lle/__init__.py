"""Gaze-LLE: a frozen DINOv2 encoder, and a small decoder that is prompted by a person's head."""
