"""Whom or what each person looks at: one probabilistic model for every system that asks."""
