"""Append-only history of a context, and the one transaction in which it grows."""
