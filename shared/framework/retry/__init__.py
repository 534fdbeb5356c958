"""Waiting and trying again: back-off, periodic tasks, and which failures are transient."""
