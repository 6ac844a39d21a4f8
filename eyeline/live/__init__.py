"""Live: a camera, a stream or a file at its own rate; results by nothing that comes later."""
