"""What every room's training shares, and no room's own: checkpoints that describe themselves."""
