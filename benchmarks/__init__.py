"""Measurements that print JSON: `python -m benchmarks`, or one of them by name."""
