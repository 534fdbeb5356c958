"""The register of pricing models: one model is one file, and one member of the union `Price`."""

from shared.billing.pricing.flat import Flat
from shared.billing.pricing.graduated import Graduated, Tier
from shared.billing.pricing.model import (
    PriceDoesNotFit,
    PriceIsInvalid,
    RatingStep,
    Usage,
    UsageDetail,
    exact_sum,
)
from shared.billing.pricing.per_unit import PerUnit

Price = Flat | PerUnit | Graduated

__all__ = [
    "Flat",
    "Graduated",
    "PerUnit",
    "Price",
    "PriceDoesNotFit",
    "PriceIsInvalid",
    "RatingStep",
    "Tier",
    "Usage",
    "UsageDetail",
    "exact_sum",
]
