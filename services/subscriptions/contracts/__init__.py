"""Contracts: what a customer commits to pay over several periods, for one or more subscriptions.

Owns the `con` streams, subscribes to nothing, and publishes ContractSigned and ContractTerminated.
"""
