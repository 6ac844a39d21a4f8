"""Who is in the video: faces found, tracked, told apart, measured. The front end that systems share."""
