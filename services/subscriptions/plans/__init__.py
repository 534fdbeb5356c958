"""Plans: versioned sets of charges.

Owns the `plan` streams, subscribes to nothing, and publishes PlanPublished.
"""
