"""What preparing any data set is about: items, worked on alone or side by side, and resumed."""
