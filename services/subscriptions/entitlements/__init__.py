"""Entitlements of customers, by subscription.

Owns the `ent` streams, subscribes to nothing, and publishes EntitlementsChanged.
"""
