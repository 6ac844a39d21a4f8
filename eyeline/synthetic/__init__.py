"""What all synthetic data is made of: cameras, heads and bodies, voices, movement, films.

Which looks there are, who talks to whom and what is labelled is each system's own.
"""
