"""Reading and writing video and sound, all on one clock: seconds since the first frame shown."""
