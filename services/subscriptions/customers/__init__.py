"""Customers of a tenant. Owns the `cus` streams, subscribes to nothing, publishes CustomerRegistered."""
