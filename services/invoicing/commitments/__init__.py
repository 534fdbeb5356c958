"""Commitments: what is billed in each period of a contract, counted invoice by invoice.

Owns the `cmt` streams, and publishes CommitmentStarted, PrepaidCommitmentInvoiced, CommitmentInvoiceAwaited,
CommitmentInvoiceCounted, CommitmentInvoiceReleased, CommitmentClosed and TerminationFeeInvoiced.
"""
