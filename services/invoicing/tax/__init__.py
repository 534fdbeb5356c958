"""Tax: the tenant's tax rates. Owns the `tax` streams, subscribes to nothing, publishes TaxRateSet."""
