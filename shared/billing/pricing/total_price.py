"""The prices of a total: those that other prices may apply to a bucket, a cell or a unit of their own."""

from shared.billing.pricing.dynamic import Dynamic
from shared.billing.pricing.graduated import Graduated
from shared.billing.pricing.graduated_percentage import GraduatedPercentage
from shared.billing.pricing.package import Package
from shared.billing.pricing.per_unit import PerUnit
from shared.billing.pricing.stairstep import Stairstep
from shared.billing.pricing.volume import Volume

TotalPrice = PerUnit | Graduated | Volume | Stairstep | Package | GraduatedPercentage | Dynamic
