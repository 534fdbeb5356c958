"""Refunds: the calls that send the money of a payment back; the events are those of the payment's stream.

Subscribes to nothing: `collections` requests a refund when an invoice is voided.
"""
