"""Codings of a video: one typed form, and the files of programs for annotation."""
