"""Subscriptions of customers to plan versions, and the ends of their billing periods.

Owns the `sub` streams and the timers `close-billing-period`, subscribes to nothing, and publishes
SubscriptionStarted, SubscriptionCancelled, BillingPeriodClosed and SubscriptionEnded.
"""
