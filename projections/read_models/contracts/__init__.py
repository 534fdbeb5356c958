"""Read model: contracts of customers."""
