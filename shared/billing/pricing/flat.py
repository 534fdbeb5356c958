"""The flat price: the same amount every period, independent of usage."""

from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from shared.billing.pricing.model import RatingStep, checked_price, prorated_step, rating_step
from shared.billing.pricing.wording import amount_of
from shared.billing.proration import Share
from shared.framework.core.refusals import in_field


class Flat(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="flat"):
    """`amount` in major units of the plan's currency, due once a period (prorated when the period is cut)."""

    needs_meter: ClassVar[Literal[False]] = False
    amount: Decimal

    def check(self) -> None:
        """Refuse an amount that cannot be a price."""
        with in_field("amount"):
            checked_price(self.amount)

    def rate_prorated(self, share: Share) -> tuple[RatingStep, ...]:
        """One step for a share of a period, which is never billed more than once over (vector V50)."""
        share = share._replace(part=min(share.part, share.whole))
        return (prorated_step(rating_step("flat fee", Decimal(1), self.amount), share),)

    def phrase(self, currency: str) -> str:
        """`a fee of 49.00 USD`."""
        return f"a fee of {amount_of(self.amount, currency)}"
