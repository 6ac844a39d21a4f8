"""What the network is shown of a video, and what its outputs say of the video."""
