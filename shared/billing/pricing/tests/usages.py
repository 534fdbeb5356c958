"""Usages and their bills, as the tests of prices write them."""

from collections.abc import Iterable
from decimal import Decimal

from shared.billing.pricing import RatingStep, Usage, exact_sum
from shared.billing.pricing.model import UsagePrice
from shared.framework.core.decimals import fixed_point


def used(quantity: Decimal | int | str, *parts: Decimal | int | str, **dimensions: str) -> Usage:
    """Usage of this total, with the quantities of its parts."""
    return Usage(
        quantity=Decimal(quantity), parts=tuple(Decimal(part) for part in parts), dimensions=dimensions
    )


def bill(price: UsagePrice, quantity: Decimal | int | str, *parts: Decimal | int | str) -> Decimal:
    """The exact amount that a price comes to."""
    return exact_sum(price.rate(used(quantity, *parts)))


def shown(steps: Iterable[RatingStep]) -> list[str]:
    """Each step as a reader sees it: `0 to 10: 10 x 2 + 5 = 25`, a fee of nothing left out."""
    return [
        f"{step.description}: {_plain(step.quantity)} x {_plain(step.unit_price)}"
        f"{f' + {_plain(step.fee)}' if step.fee else ''} = {_plain(step.amount)}"
        for step in steps
    ]


def _plain(number: Decimal) -> str:
    return fixed_point(number.normalize())
