"""Read model: customers, without personal data."""
