"""Invoices: drafts with lines, then numbered documents that are paid or voided.

Owns the `inv` streams, subscribes to PaymentSucceeded, and publishes InvoiceDrafted, InvoiceLinesRated,
InvoiceFinalized, InvoicePaid and InvoiceVoided.
"""
