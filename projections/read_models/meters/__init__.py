"""Read model: definitions of meters."""
