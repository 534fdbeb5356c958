"""Usage claims: which subscription bills a subject's usage of a meter, from when until when.

Owns the `ucl` streams, subscribes to nothing, and publishes UsageClaimed and UsageReleased.
"""
