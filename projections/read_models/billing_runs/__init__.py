"""Read model: the billing run of each closed period."""
