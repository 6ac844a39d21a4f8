"""Builder `landmarks_tcn`: six landmarks a face, measured against the person's own habits."""
