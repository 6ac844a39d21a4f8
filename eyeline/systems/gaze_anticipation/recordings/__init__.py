"""Videos with gaze and audio: where they lie, what their files say, and their prepared form."""
