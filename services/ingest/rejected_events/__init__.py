"""Rejected events: the query that lists them; acceptance stores and publishes them."""
