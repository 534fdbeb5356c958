"""Read model: usage per meter, subject and day."""
