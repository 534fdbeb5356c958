"""Values as GraphQL spells them: no float is ever near an amount."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, NewType

import strawberry
from strawberry.schema.types.base_scalars import DecimalDefinition
from strawberry.types.scalar import ScalarDefinition

from projections.graphql.row_types import attribute

MinorUnits = NewType("MinorUnits", int)

SCALARS: dict[object, ScalarDefinition] = {
    MinorUnits: strawberry.scalar(
        name="MinorUnits",
        description="An amount in the smallest unit of its currency (cents, yen), of up to 64 bits.",
        serialize=int,
    ),
    Decimal: replace(DecimalDefinition, serialize=lambda number: format(number, "f")),  # without an exponent
}

AsOf = Annotated[
    datetime | None,
    strawberry.argument(
        name="asOf",
        description="As of this instant on the tenant's clock.",
    ),
]
From = Annotated[datetime | None, strawberry.argument(name="from", description="Inclusive.")]
To = Annotated[datetime | None, strawberry.argument(name="to", description="Exclusive.")]


@strawberry.type(description="An amount: `minor` is exact, `amount` is the same in major units.")
class Money:
    """Of shared.billing.money."""

    minor: MinorUnits
    currency: str
    amount: Decimal = attribute("major")


@strawberry.type(description="From `start` (inclusive) until `end` (exclusive).")
class Period:
    """Of shared.billing.period."""

    start: datetime
    end: datetime
