"""Backfills: a new meter counts the usage that was accepted before it was defined."""
