"""The payments context: collects finalized invoices through payment gateways, and refunds voided ones."""
