"""The read side's tables in PostgreSQL."""
