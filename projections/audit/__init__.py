"""Checks that what is served follows from the stored events: rebuilt, compared (docs/invariants.md)."""
