"""Leader election: one process of several runs a task."""
