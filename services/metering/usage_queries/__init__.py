"""Usage queries."""
