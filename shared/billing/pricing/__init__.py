"""The register of pricing models: one model is one file, and one member of the union `Price`."""

from shared.billing.pricing.bucketed import Bucketed
from shared.billing.pricing.conversion import UnitConversion
from shared.billing.pricing.custom_units import CustomUnits, dimensions_of
from shared.billing.pricing.dynamic import Dynamic
from shared.billing.pricing.flat import Flat
from shared.billing.pricing.graduated import Graduated
from shared.billing.pricing.graduated_percentage import GraduatedPercentage, PercentageTier
from shared.billing.pricing.matrix import Matrix, MatrixCell
from shared.billing.pricing.model import (
    PriceDoesNotFit,
    PriceIsInvalid,
    RatingStep,
    Usage,
    UsageDetail,
    exact_sum,
)
from shared.billing.pricing.package import Package
from shared.billing.pricing.per_unit import PerUnit
from shared.billing.pricing.percentage import Percentage
from shared.billing.pricing.stairstep import Stair, Stairstep
from shared.billing.pricing.tiers import Tier
from shared.billing.pricing.usage_terms import (
    RatedUsage,
    UsageTerms,
    check_terms,
    rate_usages,
    sentence,
)
from shared.billing.pricing.volume import Volume

Price = (
    Flat
    | PerUnit
    | Graduated
    | Volume
    | Stairstep
    | Package
    | Percentage
    | GraduatedPercentage
    | Dynamic
    | Bucketed
    | Matrix
    | CustomUnits
)

__all__ = [
    "Bucketed",
    "CustomUnits",
    "Dynamic",
    "Flat",
    "Graduated",
    "GraduatedPercentage",
    "Matrix",
    "MatrixCell",
    "Package",
    "PerUnit",
    "Percentage",
    "PercentageTier",
    "Price",
    "PriceDoesNotFit",
    "PriceIsInvalid",
    "RatedUsage",
    "RatingStep",
    "Stair",
    "Stairstep",
    "Tier",
    "UnitConversion",
    "Usage",
    "UsageDetail",
    "UsageTerms",
    "Volume",
    "check_terms",
    "dimensions_of",
    "exact_sum",
    "rate_usages",
    "sentence",
]
