"""Read model: what each customer was billed, has paid and owes, in each currency."""
