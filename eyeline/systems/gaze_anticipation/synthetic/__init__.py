"""Made-up outings: what happens, how it looks and how it sounds."""
