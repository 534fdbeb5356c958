"""The two kinds of price that a model can be, and the exact arithmetic that all models share."""

from collections.abc import Iterable
from decimal import Decimal, localcontext
from enum import StrEnum
from functools import reduce
from typing import ClassVar, Literal, Protocol

import msgspec

from shared.billing.money import EXACT
from shared.billing.proration import Share
from shared.framework.core.refusals import Refusal, RefusalKind

PRICE_PLACES_MAX = 12
PRICE_DIGITS_MAX = 20


class PriceIsInvalid(Refusal):
    """A price needs finite, non-negative amounts with at most 20 digits, 12 of them after the point."""

    code = "price-invalid"
    kind = RefusalKind.INVALID


class PriceDoesNotFit(Refusal):
    """A charge with a meter needs a price of usage, and a charge without one a price per period."""

    code = "price-does-not-fit"
    kind = RefusalKind.UNPROCESSABLE


class RatingStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a line: `quantity` x `unit_price` + `fee` = `amount`, exact, in major units.

    A part of a period may have no exact decimal: its `quantity` has 12 decimal places, `amount` is exact.
    """

    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    fee: Decimal = Decimal(0)


class UsageDetail(StrEnum):
    """What a price needs of metering beside the total: nothing, or the quantities of the parts of a period.

    Hours are UTC hours; days and months are those of the customer's calendar.
    """

    TOTAL = "total"
    HOURS = "hours"
    DAYS = "days"
    MONTHS = "months"
    EVENTS = "events"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a meter counted in a period, for one combination of dimensions.

    `parts`, in order of time: the quantity of each hour, day or month that has usage, or the value of each
    event, as the price's `usage_detail` demands; empty for a price of the total.
    """

    quantity: Decimal
    parts: tuple[Decimal, ...] = ()
    dimensions: dict[str, str] = msgspec.field(default_factory=dict)


class UsagePrice(Protocol):
    """A price of what a meter counted. A line is the sum of its steps, rounded once (billing rule 1)."""

    needs_meter: ClassVar[Literal[True]]

    @property
    def usage_detail(self) -> UsageDetail:
        """What `rate` needs of metering beside the total; nothing is read again when usage is rated."""

    def check(self) -> None:
        """Refuse what cannot be a price; called when a plan is published, never on history."""

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """The steps for this usage, lowest tier or earliest part first; usage is never prorated."""

    def phrase(self, currency: str) -> str:
        """The price in plain words, without capital and full stop: `0.02 USD per unit`."""


class RecurringPrice(Protocol):
    """A price that is due once a period, without a meter."""

    needs_meter: ClassVar[Literal[False]]

    def check(self) -> None:
        """See UsagePrice."""

    def rate_prorated(self, share: Share) -> tuple[RatingStep, ...]:
        """The steps for a share of a period; the first step's quantity is the line's."""

    def phrase(self, currency: str) -> str:
        """See UsagePrice."""


def checked_price(amount: Decimal) -> Decimal:
    """The amount itself, if it can be a price. Raises PriceIsInvalid."""
    if not amount.is_finite() or amount < 0:
        raise PriceIsInvalid(str(amount))
    _, digits, exponent = amount.as_tuple()
    places = -int(exponent)
    if places > PRICE_PLACES_MAX or len(digits) + max(0, -places) > PRICE_DIGITS_MAX:
        raise PriceIsInvalid(str(amount))
    return amount


def checked_divisor(amount: Decimal) -> Decimal:
    """The amount itself, if it can be a price and is not zero: a size or a factor. Raises PriceIsInvalid."""
    if not checked_price(amount):
        raise PriceIsInvalid("must be more than 0")
    return amount


def rating_step(
    description: str, quantity: Decimal, unit_price: Decimal, fee: Decimal = Decimal(0)
) -> RatingStep:
    """A step with its exact amount, independent of the decimal context of the caller."""
    return RatingStep(
        description=description,
        quantity=quantity,
        unit_price=unit_price,
        amount=EXACT.fma(quantity, unit_price, fee),
        fee=fee,
    )


def prorated_step(step: RatingStep, share: Share) -> RatingStep:
    """The share of a step (billing rule 9).

    Multiplied before it is divided: 29.85 for 1 day of 30 is 0.995 and becomes 1.00, which no factor of
    0.0333... would give.
    """
    part, whole, _ = share
    if part == whole:
        return step
    with localcontext(EXACT):
        return RatingStep(
            description=step.description + share.words,
            quantity=round(step.quantity * part / whole, PRICE_PLACES_MAX).normalize(),
            unit_price=step.unit_price,
            amount=step.amount * part / whole,
            fee=step.fee * part / whole,
        )


def adjusting_step(description: str, difference: Decimal) -> RatingStep:
    """A step that raises (or, negative, lowers) what the steps before it come to."""
    return rating_step(description, Decimal(0), Decimal(0), difference)


def exact_sum(steps: Iterable[RatingStep]) -> Decimal:
    """The exact sum of the steps' amounts, which is rounded once per line (billing rule 1)."""
    return reduce(EXACT.add, (step.amount for step in steps), Decimal(0))


def unit_price_of(percent: Decimal) -> Decimal:
    """The price of one unit of money that a percentage is: 0.013 for 1.3."""
    return EXACT.scaleb(percent, Decimal(-2))
