"""Labels without annotators: where a person's gaze gathers in a video, found by clustering."""
