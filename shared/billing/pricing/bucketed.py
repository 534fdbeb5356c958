"""The bucketed price: each hour, day or month of a period is priced alone, and the amounts are added."""

from typing import ClassVar, Literal

import msgspec

from shared.billing.pricing.model import RatingStep, Usage, UsageDetail
from shared.billing.pricing.parts import steps_of_parts
from shared.billing.pricing.total_price import TotalPrice
from shared.framework.core.refusals import in_field

_DETAILS = {"hour": UsageDetail.HOURS, "day": UsageDetail.DAYS, "month": UsageDetail.MONTHS}


class Bucketed(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="bucketed"):
    """`price` for each `bucket` that has usage: UTC hours, or days or months of the customer's calendar."""

    needs_meter: ClassVar[Literal[True]] = True
    bucket: Literal["hour", "day", "month"]
    price: TotalPrice

    @property
    def usage_detail(self) -> UsageDetail:
        """The quantities of the buckets."""
        return _DETAILS[self.bucket]

    def check(self) -> None:
        """Refuse what the inner price refuses."""
        with in_field("price"):
            self.price.check()

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """The steps of the inner price for each bucket (vector V63); none without usage."""
        return steps_of_parts(
            self.bucket, (self.price.rate(Usage(quantity=quantity)) for quantity in usage.parts)
        )

    def phrase(self, currency: str) -> str:
        """`each hour by itself: 0.02 USD per unit`."""
        return f"each {self.bucket} by itself: {self.price.phrase(currency)}"
