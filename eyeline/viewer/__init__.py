"""`eyeline view`: a local page that shows results beside the video, and takes corrections."""
