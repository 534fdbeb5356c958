"""Billing accounts: the customers whom invoicing can invoice, each with its currency.

Owns the `bac` streams, subscribes to CustomerRegistered, publishes BillingAccountOpened.
"""
