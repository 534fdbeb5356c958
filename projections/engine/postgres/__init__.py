"""The read side's tables in PostgreSQL: rows, event archive, freshness."""
