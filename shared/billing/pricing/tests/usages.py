"""Usages and their bills, as the tests of prices write them."""

from decimal import Decimal

from shared.billing.pricing import Usage, exact_sum
from shared.billing.pricing.model import UsagePrice


def used(quantity: Decimal | int | str, *parts: Decimal | int | str, **dimensions: str) -> Usage:
    """Usage of this total, with the quantities of its parts."""
    return Usage(
        quantity=Decimal(quantity), parts=tuple(Decimal(part) for part in parts), dimensions=dimensions
    )


def bill(price: UsagePrice, quantity: Decimal | int | str, *parts: Decimal | int | str) -> Decimal:
    """The exact amount that a price comes to."""
    return exact_sum(price.rate(used(quantity, *parts)))
