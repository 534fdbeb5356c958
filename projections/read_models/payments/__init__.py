"""Read model: every attempt to take money, and how it ended."""
