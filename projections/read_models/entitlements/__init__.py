"""Read model: entitlements of customers."""
