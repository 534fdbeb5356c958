"""The percentage price: a percentage of the amount of each event, and a fee for it (billing rule 5)."""

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import ClassVar, Literal

import msgspec

from shared.billing.money import EXACT
from shared.billing.pricing.model import (
    PriceIsInvalid,
    RatingStep,
    Usage,
    UsageDetail,
    adjusting_step,
    checked_price,
    rating_step,
    unit_price_of,
)
from shared.billing.pricing.parts import steps_of_parts
from shared.billing.pricing.wording import amount_of, percentage
from shared.framework.core.decimals import fixed_point
from shared.framework.core.refusals import in_field

FREE_EVENTS_MAX = 10**9


class Percentage(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="percentage"):
    """`percent` of the amount of each event, and `fixed_fee` for each event that is paid.

    The first events are free: `free_events` of them, or as far as their amounts come to `free_amount`; of
    both, what ends first. An event that is free in part is paid. `event_minimum` and `event_maximum` bound
    what a paid event costs, its fee included. An amount below zero counts as zero.
    """

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.EVENTS
    percent: Decimal
    fixed_fee: Decimal = Decimal(0)
    free_events: int | None = None
    free_amount: Decimal | None = None
    event_minimum: Decimal | None = None
    event_maximum: Decimal | None = None

    def check(self) -> None:
        """Refuse amounts that cannot be prices, and a minimum above the maximum."""
        for name in ("percent", "fixed_fee", "free_amount", "event_minimum", "event_maximum"):
            with in_field(name):
                checked_price(getattr(self, name) or Decimal(0))
        with in_field("free_events"):
            if not 0 <= (self.free_events or 0) <= FREE_EVENTS_MAX:
                raise PriceIsInvalid(f"must be from 0 to {FREE_EVENTS_MAX}")
        with in_field("event_maximum"):
            if self.event_maximum is not None and self.event_maximum < (self.event_minimum or 0):
                raise PriceIsInvalid("must not be below event_minimum")

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """For each event a step for what is free, one for what is paid, one to its bounds (vector V30)."""
        with localcontext(EXACT):
            return steps_of_parts("event", self._rated(usage.parts))

    def _rated(self, parts: tuple[Decimal, ...]) -> Iterator[list[RatingStep]]:
        # Once for all events: a reading may have a hundred thousand.
        words, rate = f"{fixed_point(self.percent)}%", unit_price_of(self.percent)
        for amount, free in self._with_free(parts):
            paid = max(amount, Decimal(0)) - (free or Decimal(0))
            steps = [] if free is None else [rating_step("free", free, Decimal(0))]
            if paid or free is None:
                step = rating_step(words, paid, rate, self.fixed_fee)
                steps += [step, *self._bounded(step.amount)]
            yield steps

    def _with_free(self, parts: tuple[Decimal, ...]) -> Iterator[tuple[Decimal, Decimal | None]]:
        """The amount of each event and what of it is free; None once nothing is free any more."""
        has_free = self.free_events is not None or self.free_amount is not None
        left = self.free_amount
        for number, amount in enumerate(parts):
            is_over = self.free_events is not None and number >= self.free_events
            if not has_free or is_over or (left is not None and left <= 0):
                yield amount, None
                continue
            free = max(amount, Decimal(0))
            if left is not None:
                free = min(free, left)
                left -= free
            yield amount, free

    def _bounded(self, cost: Decimal) -> Iterator[RatingStep]:
        minimum, maximum = self.event_minimum, self.event_maximum
        if minimum is not None and cost < minimum:
            yield adjusting_step(f"up to the minimum of {fixed_point(minimum)}", minimum - cost)
        if maximum is not None and cost > maximum:
            yield adjusting_step(f"down to the maximum of {fixed_point(maximum)}", maximum - cost)

    def phrase(self, currency: str) -> str:
        """`1.3% plus 2.00 USD per event, the first 3 events free`."""
        free = [f"{self.free_events} events"] if self.free_events else []
        free += [amount_of(self.free_amount, currency)] if self.free_amount else []
        parts = [f"{percentage(self.percent, self.fixed_fee, currency)} of the amount of each event"]
        if self.fixed_fee:
            fee = amount_of(self.fixed_fee, currency)
            parts = [f"{fixed_point(self.percent)}% of the amount of each event plus {fee} per event"]
        if self.event_minimum:
            parts.append(f"at least {amount_of(self.event_minimum, currency)} per event")
        if self.event_maximum is not None:
            parts.append(f"at most {amount_of(self.event_maximum, currency)} per event")
        if free:
            ends = ", whichever ends first" if len(free) > 1 else ""
            parts.append(f"the first {' or '.join(free)} free{ends}")
        return ", ".join(parts)
