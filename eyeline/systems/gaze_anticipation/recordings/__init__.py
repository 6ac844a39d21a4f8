"""Videos with gaze and sound: where they lie, what their files say, and their prepared form."""
