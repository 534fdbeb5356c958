"""Read model: invoices from draft to paid or void."""
