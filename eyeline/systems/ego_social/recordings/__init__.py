"""Clips with their notes: where they lie, what their files say, and their prepared form."""
