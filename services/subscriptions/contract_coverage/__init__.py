"""Contract coverage: which contract covers which subscriptions of a customer, from when until when.

Owns the `cov` streams, subscribes to nothing, publishes ContractCoverageClaimed and ContractCoverageReleased.
"""
