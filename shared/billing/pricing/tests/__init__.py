"""Tests of shared.billing.pricing: the vectors of the law of money, and properties that hold for every input."""
