"""Readings: the usage of a closed billing period, taken once.

Owns the reading streams, subscribes to BillingPeriodClosed and publishes UsageReadingTaken.
"""
