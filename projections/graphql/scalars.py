"""Values as GraphQL spells them: no float is ever near an amount."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from shared.billing import money, period

MinorUnits = NewType("MinorUnits", int)

SCALARS: dict[object, ScalarDefinition] = {
    MinorUnits: strawberry.scalar(
        name="MinorUnits",
        description="An amount in the smallest unit of its currency (cents, yen), of up to 64 bits.",
        serialize=int,
    )
}

AsOf = Annotated[
    datetime | None,
    strawberry.argument(
        name="asOf",
        description="Show it as it was at this moment of the tenant's clock.",
    ),
]
From = Annotated[datetime | None, strawberry.argument(name="from", description="Inclusive.")]
To = Annotated[datetime | None, strawberry.argument(name="to", description="Exclusive.")]


@strawberry.type(description="An amount: `minor` is exact, `amount` is the same in major units.")
class Money:
    """See shared.billing.money."""

    minor: MinorUnits
    currency: str
    amount: Decimal


@strawberry.type(description="From `start` (inclusive) until `end` (exclusive).")
class Period:
    """See shared.billing.period."""

    start: datetime
    end: datetime


def money_type(amount: money.Money) -> Money:
    """An amount, as GraphQL shows it."""
    return Money(minor=MinorUnits(amount.minor), currency=amount.currency, amount=amount.major)


def shown_money_or_none(amount: money.Money | None) -> Money | None:
    """The same, if there is one."""
    return None if amount is None else money_type(amount)


def period_type(span: period.Period | None) -> Period | None:
    """A period, as GraphQL shows it."""
    return None if span is None else Period(start=span.start, end=span.end)


def without_exponent(number: Decimal) -> Decimal:
    """The same number, so that it is spelt without an exponent."""
    return Decimal(format(number, "f"))
