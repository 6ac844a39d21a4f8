"""The blocks of the network: attention over a grid, fusion of sight and audio, and their names."""
