"""Synthetic conversations around a table: who speaks, who looks where, how it looks and sounds."""
