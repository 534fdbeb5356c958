"""Read model: the collection of each invoice."""
