"""The five rooms. No room imports another."""
