"""Annotated looks: the text formats of three data sets, read into one form."""
