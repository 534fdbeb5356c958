"""Back-off, periodic tasks, and which failures are transient."""
