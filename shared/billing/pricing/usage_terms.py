"""What a charge adds to its usage price, in the order of billing rule 6: free units, price, bounds."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import NamedTuple, Protocol

import msgspec

from shared.billing.money import EXACT, Money
from shared.billing.pricing.conversion import UnitConversion
from shared.billing.pricing.custom_units import dimensions_of
from shared.billing.pricing.model import (
    RatingStep,
    RecurringPrice,
    Usage,
    UsageDetail,
    UsagePrice,
    adjusting_step,
    checked_price,
    exact_sum,
    rating_step,
)
from shared.billing.pricing.wording import amount_of
from shared.billing.proration import WHOLE, Share
from shared.framework.core.decimals import fixed_point
from shared.framework.core.refusals import Refusal, RefusalKind, in_field


class TermsNeedMeter(Refusal):
    """Included units, a conversion, a minimum and a maximum are for charges of a meter."""

    code = "charge-terms-need-meter"
    kind = RefusalKind.INVALID


class PriceNeedsUsage(Refusal):
    """A price of seats is of their number; events, buckets and dimensions are those of a meter."""

    code = "price-needs-usage"
    kind = RefusalKind.INVALID


class MinimumExceedsMaximum(Refusal):
    """The maximum of a charge is below its minimum."""

    code = "charge-maximum-below-minimum"
    kind = RefusalKind.INVALID


class EventsHaveNoIncludedUnits(Refusal):
    """A price of single events has free events or a free amount of its own, and no included units."""

    code = "included-units-of-events"
    kind = RefusalKind.INVALID


class UsageTerms(Protocol):
    """The terms of a charge beside its price; `minimum` and `maximum` are major units for a full period."""

    @property
    def included(self) -> Decimal:
        """Units, after conversion, that are free in each period."""

    @property
    def conversion(self) -> UnitConversion | None:
        """How what is counted becomes what is priced."""

    @property
    def minimum(self) -> Decimal | None:
        """What all usage of the period comes to at least."""

    @property
    def maximum(self) -> Decimal | None:
        """What all usage of the period comes to at most."""


class RatedUsage(NamedTuple):
    """The steps of a usage; `usage` is None for what is due beside all usage to reach the minimum."""

    usage: Usage | None
    steps: tuple[RatingStep, ...]


def check_terms(price: UsagePrice | RecurringPrice, terms: UsageTerms, *, has_meter: bool = True) -> None:
    """Refuse terms that do not fit the price, or cannot be amounts; without a meter there are none."""
    if not price.needs_meter or not has_meter:
        if price.needs_meter and (price.usage_detail is not UsageDetail.TOTAL or dimensions_of(price)):
            with in_field("price"):
                raise PriceNeedsUsage
        for name in ("included", "conversion", "minimum", "maximum"):
            if getattr(terms, name) not in (None, Decimal(0)):
                with in_field(name):
                    raise TermsNeedMeter
        return
    for name, amount in (
        ("included", terms.included),
        ("minimum", terms.minimum),
        ("maximum", terms.maximum),
    ):
        with in_field(name):
            checked_price(amount or Decimal(0))
    if terms.conversion is not None:
        with in_field("conversion"):
            terms.conversion.check()
    if terms.included and price.usage_detail is UsageDetail.EVENTS:
        with in_field("included"):
            raise EventsHaveNoIncludedUnits
    if terms.maximum is not None and terms.maximum < (terms.minimum or 0):
        with in_field("maximum"):
            raise MinimumExceedsMaximum(
                f"{fixed_point(terms.maximum)} < {fixed_point(terms.minimum or Decimal(0))}"
            )


def rate_usages(
    price: UsagePrice, terms: UsageTerms, usages: Sequence[Usage], currency: str, share: Share = WHOLE
) -> list[RatedUsage]:
    """The steps of each usage of a charge, in order: of lines that are rounded to `currency` one by one.

    Included units are used up, and the maximum is reached, in the order of the usages. What is missing to the
    minimum is a step of the only usage, or beside several ones an entry of its own.
    """
    minimum, maximum = _shared(terms.minimum, share), _shared(terms.maximum, share)
    rated: list[RatedUsage] = []
    included, billed = terms.included, Money.zero(currency)
    for usage in usages:
        steps, included = _rated(price, terms, usage, included)
        if maximum is not None:
            steps += _down_to(maximum, billed, exact_sum(steps), _words("maximum", terms.maximum, share))
        rated.append(RatedUsage(usage, steps))
        billed += Money.rounded(exact_sum(steps), currency)
    if minimum is None:
        return rated
    words = _words("minimum", terms.minimum, share)
    if len(rated) == 1:
        [(only, steps)] = rated
        return [RatedUsage(only, steps + _up_to(minimum, exact_sum(steps), words))]
    raised = _up_to(minimum, billed.major, words)
    return [*rated, RatedUsage(None, raised)] if raised else rated


def sentence(price: UsagePrice | RecurringPrice, terms: UsageTerms, currency: str) -> str:
    """The price and its terms in one sentence of plain words, for a catalog page and an invoice line."""
    words = price.phrase(currency)
    if terms.included:
        words = f"the first {fixed_point(terms.included)} units free, then {words}"
    if terms.conversion is not None:
        words += f"; units are the {terms.conversion.phrase()}"
    bounds = [f"at least {amount_of(terms.minimum, currency)}"] if terms.minimum else []
    bounds += [f"at most {amount_of(terms.maximum, currency)}"] if terms.maximum is not None else []
    if bounds:
        words += f"; {' and '.join(bounds)} a period"
    return f"{words[0].upper()}{words[1:]}."


def _rated(
    price: UsagePrice, terms: UsageTerms, usage: Usage, included: Decimal
) -> tuple[tuple[RatingStep, ...], Decimal]:
    """The steps up to the price, and the included units that are left."""
    before: tuple[RatingStep, ...] = ()
    if terms.conversion is not None:
        usage, step = terms.conversion.converted(usage)
        before = (step,)
    if included:
        usage, free = _without_included(usage, included)
        before += (rating_step("included units", free, Decimal(0)),) if free else ()
        with localcontext(EXACT):
            included -= free
    return (*before, *price.rate(usage)), included


def _without_included(usage: Usage, included: Decimal) -> tuple[Usage, Decimal]:
    """The usage that is left to be paid, of parts the later ones, and the units that are free."""
    with localcontext(EXACT):
        if not usage.parts:
            free = min(max(usage.quantity, Decimal(0)), included)
            return msgspec.structs.replace(usage, quantity=usage.quantity - free), free
        left, parts = included, []
        for part in usage.parts:
            taken = min(max(part, Decimal(0)), left)
            parts.append(part - taken)
            left -= taken
        return msgspec.structs.replace(usage, parts=tuple(parts)), included - left


def _shared(amount: Decimal | None, share: Share) -> Decimal | None:
    if amount is None:
        return None
    with localcontext(EXACT):
        return amount * share.part / share.whole


def _words(bound: str, amount: Decimal | None, share: Share) -> str:
    return f"{bound} of {fixed_point(amount or Decimal(0))}{share.words}"


def _down_to(maximum: Decimal, billed: Money, amount: Decimal, words: str) -> tuple[RatingStep, ...]:
    with localcontext(EXACT):
        left = max(maximum - billed.major, Decimal(0))
        return (adjusting_step(words, left - amount),) if amount > left else ()


def _up_to(minimum: Decimal, amount: Decimal, words: str) -> tuple[RatingStep, ...]:
    with localcontext(EXACT):
        return (adjusting_step(words, minimum - amount),) if amount < minimum else ()
