"""Read model: plans with all versions of their prices."""
