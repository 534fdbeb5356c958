"""Read model: who is billed by which plan, and how far."""
