"""Acceptance: usage events arrive, each is counted once, the others are stored with the reason.

Owns batches, deduplication keys and rejected events. Publishes UsageRecorded and UsageRejected.
Subscribes to the test clocks of subscriptions.
"""
