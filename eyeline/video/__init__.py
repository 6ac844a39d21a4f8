"""Reading and writing video and audio, all on one clock: seconds since the first frame shown."""
