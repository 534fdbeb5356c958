"""Read model: the invoices that count in a commitment."""
