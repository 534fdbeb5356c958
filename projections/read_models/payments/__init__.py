"""Read model: payments, one for each attempt, with their outcome."""
