"""The checked terms of a contract: its periods on the customer's calendar, and its amounts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from services.subscriptions.contracts.refusals import (
    AmountIsNegative,
    AmountIsNotMoney,
    CommitmentIsTooLarge,
    CommitmentsExceedThePeriods,
    ContractAnchorDoesNotFit,
    ContractIsTooLong,
    OverageIsUnclear,
    OverageNeedsCommitment,
    TerminationFeeIsUnclear,
    VolumeDiscountsAreInvalid,
)
from shared.billing.contracts.subscriptions.contracts import (
    CommitmentPeriod,
    ContractKind,
    Overage,
    TerminationFee,
    VolumeDiscount,
)
from shared.billing.money import Money
from shared.billing.period import Interval, Period, boundary, period_at
from shared.billing.pricing.model import checked_price
from shared.framework.core.refusals import in_field

ANCHORED_MAX = timedelta(days=3653)
ENDS_WITHIN = timedelta(days=7305)
COMMITTED_MINOR_MAX = 10**17
"""Minor units: with tax it still fits on one invoice."""


def periods_of(
    anchor_at: datetime, starts_at: datetime, zone: str, interval: Interval, count: int
) -> tuple[tuple[Period, Period], ...]:
    """`count` periods from the start on, each with its real length.

    They are counted from the anchor (billing rule 10); the first one begins at the start. Raises
    ContractAnchorDoesNotFit and ContractIsTooLong.
    """
    if not starts_at - ANCHORED_MAX <= anchor_at <= starts_at:
        with in_field("anchor_at"):
            raise ContractAnchorDoesNotFit(f"{anchor_at.isoformat()}, start {starts_at.isoformat()}")
    if timedelta(days=interval.months * 28 + interval.days) * count > ENDS_WITHIN:
        raise ContractIsTooLong(f"{count} periods")
    index = 0
    while boundary(anchor_at, zone, interval, index + 1) <= starts_at:
        index += 1
    found: list[tuple[Period, Period]] = []
    while len(found) < count:
        full = period_at(anchor_at, zone, interval, index)
        if full.start < full.end:  # empty where a zone skipped a day
            found.append((Period(max(full.start, starts_at), full.end), full))
        index += 1
    return tuple(found)


def committed(
    periods: Sequence[tuple[Period, Period]], amounts: Sequence[Decimal], currency: str
) -> tuple[CommitmentPeriod, ...]:
    """The periods with their commitments; the last amount holds for all later periods.

    Raises CommitmentsExceedThePeriods, CommitmentIsTooLarge, AmountIsNegative and AmountIsNotMoney.
    """
    if not 1 <= len(amounts) <= len(periods):
        with in_field("commitments"):
            raise CommitmentsExceedThePeriods(f"{len(amounts)} for {len(periods)} periods")
    money = []
    for number, amount in enumerate(amounts):
        with in_field("commitments", number):
            money.append(money_of(amount, currency))
    each = [*money, *[money[-1]] * (len(periods) - len(money))]
    if sum(one.minor for one in each) > COMMITTED_MINOR_MAX:
        with in_field("commitments"):
            raise CommitmentIsTooLarge
    return tuple(
        CommitmentPeriod(period=period, full_period=full, commitment=one)
        for (period, full), one in zip(periods, each, strict=True)
    )


def money_of(amount: Decimal, currency: str) -> Money:
    """An amount in major units as money. Raises AmountIsNegative, AmountIsNotMoney, CommitmentIsTooLarge."""
    if amount < 0:
        raise AmountIsNegative(str(amount))
    money = Money.rounded(amount, currency)
    if money.major != amount:
        raise AmountIsNotMoney(f"{amount} {currency}")
    if money.minor > COMMITTED_MINOR_MAX:
        raise CommitmentIsTooLarge(f"{amount} {currency}")
    return money


def checked_overage(overage: Overage | None, kind: ContractKind) -> Overage | None:
    """The overage itself.

    Raises OverageNeedsCommitment, OverageIsUnclear, AmountIsNegative and PriceIsInvalid.
    """
    if overage is None:
        return None
    with in_field("overage"):
        if kind is ContractKind.MINIMUM:
            raise OverageNeedsCommitment
        if (overage.multiplier is None) is not bool(overage.unit_prices):
            raise OverageIsUnclear
        if overage.multiplier is not None:
            with in_field("multiplier"):
                _check_amount(overage.multiplier)
        for key, price in overage.unit_prices.items():
            with in_field("unit_prices", key):
                _check_amount(price)
    return overage


def checked_discounts(discounts: Sequence[VolumeDiscount]) -> tuple[VolumeDiscount, ...]:
    """The discounts themselves. Raises VolumeDiscountsAreInvalid and AmountIsNegative."""
    before: Decimal | None = None
    for number, discount in enumerate(discounts):
        with in_field("volume_discounts", number):
            with in_field("above"):
                _check_amount(discount.above)
                if before is not None and discount.above <= before:
                    raise VolumeDiscountsAreInvalid(f"{discount.above} is not above {before}")
            with in_field("rate"):
                _check_amount(discount.rate)
                if discount.rate > 1:
                    raise VolumeDiscountsAreInvalid(str(discount.rate))
        before = discount.above
    return tuple(discounts)


def checked_fee(amount: Decimal | None, share: Decimal | None, currency: str) -> TerminationFee:
    """The fee of an amount or a share. Raises TerminationFeeIsUnclear and what `money_of` raises."""
    with in_field("termination_fee"):
        if (amount is None) is (share is None):
            raise TerminationFeeIsUnclear
        if amount is not None:
            with in_field("amount"):
                return TerminationFee(amount=money_of(amount, currency))
        with in_field("share"):
            if share is None or not 0 <= share <= 1:
                raise TerminationFeeIsUnclear(str(share))
    return TerminationFee(share=share)


def _check_amount(amount: Decimal) -> None:
    if amount < 0:
        raise AmountIsNegative(str(amount))
    checked_price(amount)
