"""What the training of all systems shares: recipes, task, loop, self-describing checkpoints."""
