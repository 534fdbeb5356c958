"""Read model: plans and every version of their prices."""
