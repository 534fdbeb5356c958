"""Read model: what each customer was billed, has paid and still owes."""
