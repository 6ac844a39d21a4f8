"""The parts of the packaged sample: two people, their heads in depth, their voices, the play."""
