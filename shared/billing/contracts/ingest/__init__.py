"""Events that ingest publishes, one module for each subject."""
