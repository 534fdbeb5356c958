"""Tiers: which one a quantity reaches; lower bound exclusive, upper inclusive (billing rule 3)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from typing import Protocol, TypeVar

import msgspec

from shared.billing.money import EXACT
from shared.billing.pricing.model import RatingStep, checked_price, rating_step
from shared.framework.core.decimals import fixed_point
from shared.framework.core.refusals import Refusal, RefusalKind, in_field

TIERS_MAX = 100
"""Tiers of one price; it is copied into the events of every period that it bills, so it must be short."""


class TiersAreInvalid(Refusal):
    """Tiers need rising positive upper bounds, only the last one open, and there are at most 100."""

    code = "tiers-invalid"
    kind = RefusalKind.INVALID


class Bounded(Protocol):
    """A tier of any price: `up_to` is its inclusive upper bound, None for the last one."""

    @property
    def up_to(self) -> Decimal | None:
        """See the class."""

    def check(self) -> None:
        """Refuse amounts that cannot be prices."""


AnyTier = TypeVar("AnyTier", bound=Bounded)


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """Units above the previous tier up to `up_to` (inclusive; null: no bound), and a fee on entering it."""

    up_to: Decimal | None
    unit_price: Decimal
    flat_fee: Decimal = Decimal(0)

    def check(self) -> None:
        """Refuse amounts that cannot be prices."""
        for name, amount in (("unit_price", self.unit_price), ("flat_fee", self.flat_fee)):
            with in_field(name):
                checked_price(amount)


def check_tiers(tiers: Sequence[Bounded]) -> None:
    """Refuse invalid amounts, bounds that do not rise, and too many tiers."""
    with in_field("tiers"):
        if not 1 <= len(tiers) <= TIERS_MAX:
            raise TiersAreInvalid(f"{len(tiers)} tiers")
        floor = Decimal(0)
        for index, tier in enumerate(tiers):
            with in_field(index):
                tier.check()
                with in_field("up_to"):
                    floor = _checked_bound(tier, floor, is_last=index == len(tiers) - 1)


def _checked_bound(tier: Bounded, floor: Decimal, *, is_last: bool) -> Decimal:
    if tier.up_to is None:
        if not is_last:
            raise TiersAreInvalid("only the last tier has no bound: the tiers overlap")
        return floor
    bound = checked_price(tier.up_to)
    if is_last:
        raise TiersAreInvalid(f"the last tier ends at {fixed_point(bound)}: what is above has no price")
    if bound <= floor:
        raise TiersAreInvalid(
            f"it ends at {fixed_point(bound)}, and begins above {fixed_point(floor)}: the tiers overlap"
        )
    return bound


def tier_of(tiers: Sequence[AnyTier], quantity: Decimal) -> tuple[AnyTier, str]:
    """The tier in which a quantity lies, the first for zero or less, and its bounds in words."""
    floor = Decimal(0)
    for tier in tiers[:-1]:
        if tier.up_to is None or quantity <= tier.up_to:
            return tier, reach(tier, floor)
        floor = tier.up_to
    return tiers[-1], reach(tiers[-1], floor)


def reached(tiers: Sequence[AnyTier], quantity: Decimal) -> Iterator[tuple[AnyTier, Decimal, Decimal]]:
    """The tiers that a quantity enters, at least the first: each with its floor and the units inside it."""
    floor = Decimal(0)
    for tier in tiers:
        top = quantity if tier.up_to is None else min(quantity, tier.up_to)
        with localcontext(EXACT):
            units = max(top - floor, Decimal(0))
        yield tier, floor, units
        if tier.up_to is None or quantity <= tier.up_to:
            return
        floor = tier.up_to


def graduated_steps(
    tiers: Sequence[tuple[Bounded, Decimal, Decimal]], quantity: Decimal, *, flat_at_zero: bool
) -> tuple[RatingStep, ...]:
    """One step per tier that the quantity enters, of (tier, unit price, fee), the lowest first.

    `flat_at_zero`: the first tier's fee is due even without usage.
    """
    prices = iter(tiers)
    steps = []
    for tier, floor, units in reached([tier for tier, _, _ in tiers], quantity):
        _, unit_price, fee = next(prices)
        if units > 0 or (flat_at_zero and floor == 0 and fee):
            steps.append(rating_step(reach(tier, floor), units, unit_price, fee))
    return tuple(steps)


def reach(tier: Bounded, floor: Decimal) -> str:
    """The bounds of a tier in words: `0 to 10`, `above 20`."""
    bottom = fixed_point(floor)
    return f"above {bottom}" if tier.up_to is None else f"{bottom} to {fixed_point(tier.up_to)}"
