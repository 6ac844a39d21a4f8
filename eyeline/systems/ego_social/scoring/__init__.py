"""From logits to the rows that the benchmark scores."""
