"""The package price: usage is paid in packages, and a started package in full (billing rule 4)."""

from decimal import Decimal, localcontext
from typing import ClassVar, Literal

import msgspec

from shared.billing.money import EXACT
from shared.billing.pricing.model import (
    RatingStep,
    Usage,
    UsageDetail,
    checked_divisor,
    checked_price,
    rating_step,
)
from shared.billing.pricing.wording import amount_of
from shared.framework.core.decimals import fixed_point
from shared.framework.core.refusals import in_field


class Package(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="package"):
    """`package_price` in major units of the plan's currency, due for every started `package_size` units."""

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.TOTAL
    package_size: Decimal
    package_price: Decimal

    def check(self) -> None:
        """Refuse amounts that cannot be a price, and packages of nothing."""
        with in_field("package_size"):
            checked_divisor(self.package_size)
        with in_field("package_price"):
            checked_price(self.package_price)

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """One step, whose quantity is the number of started packages (vectors V22, V23)."""
        with localcontext(EXACT):
            whole, rest = divmod(max(usage.quantity, Decimal(0)), self.package_size)
            packages = whole + bool(rest)
        return (rating_step(f"packages of {fixed_point(self.package_size)}", packages, self.package_price),)

    def phrase(self, currency: str) -> str:
        """`2.50 USD per started package of 100 units`."""
        price = amount_of(self.package_price, currency)
        return f"{price} per started package of {fixed_point(self.package_size)} units"
