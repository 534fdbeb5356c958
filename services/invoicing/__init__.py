"""The invoicing service: closed billing periods become invoices, which are finalized, paid or voided."""
