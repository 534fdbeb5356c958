"""The audit: rebuilds the read models from the feeds, compares, and checks docs/invariants.md."""
