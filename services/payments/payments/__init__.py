"""Payments: the aggregate of one attempt to take money, from request to refund.

Publishes PaymentRequested, PaymentSubmitted, PaymentSucceeded, PaymentFailed, PaymentUnknown, RefundRequested
and RefundIssued. Subscribes to nothing: `collections` and `refunds` handle commands on it.
"""
