"""Faces and voices of a raw video on their way through the networks."""
