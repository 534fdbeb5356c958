"""The shelf of pricing models: one model is one file, and this union is the register."""

from shared.billing.pricing.flat import Flat
from shared.billing.pricing.graduated import Graduated, Tier
from shared.billing.pricing.model import PriceIsInvalid, PricingModel, RatingStep, exact_sum
from shared.billing.pricing.per_unit import PerUnit

Price = Flat | PerUnit | Graduated

__all__ = [
    "Flat",
    "Graduated",
    "PerUnit",
    "Price",
    "PriceIsInvalid",
    "PricingModel",
    "RatingStep",
    "Tier",
    "exact_sum",
]
