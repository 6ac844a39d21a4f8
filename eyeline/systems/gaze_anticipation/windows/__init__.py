"""What the network is shown of a video, and what its answers say of the video."""
