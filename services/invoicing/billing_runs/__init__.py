"""Billing runs: the process that turns one closed period of one subscription into one invoice.

Owns the `run` streams, subscribes to BillingPeriodClosed and UsageReadingTaken, and publishes
BillingRunStarted, UsageReadingReceived, BillingRunCompleted, BillingRunFailed and BillingRunRetried.
"""
