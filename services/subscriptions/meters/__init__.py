"""The meters that plans may name.

Owns the `mrg` streams, subscribes to MeterDefined, publishes MeterRegistered.
"""
