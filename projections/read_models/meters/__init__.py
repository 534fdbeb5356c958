"""Read model: meters, and how each one counts."""
