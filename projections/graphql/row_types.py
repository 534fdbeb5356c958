"""GraphQL types of values, and types of rows: fields are declared, and their values are read from the row."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NewType, TypeVar

import msgspec
import strawberry
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.scalars import JSON
from strawberry.schema.types.base_scalars import DateTimeDefinition, DecimalDefinition
from strawberry.types.scalar import ScalarDefinition

from projections.engine.read_model import AnyModel, ReadModel, StoredRow
from shared.framework.core.decimals import fixed_point, minor_units_to_json, to_json
from shared.framework.core.instants import parse_instant

Node = TypeVar("Node")
MinorUnits = NewType("MinorUnits", int)


def _read_instant(value: object) -> datetime:
    """The instant of an argument. Raises StrawberryInputCoercionError, which becomes a fault of the query."""
    try:
        return parse_instant(value if isinstance(value, str) else "")
    except ValueError as error:
        raise StrawberryInputCoercionError(f"{value!r} {error}") from None


SCALARS: dict[object, ScalarDefinition] = {
    MinorUnits: strawberry.scalar(
        name="MinorUnits",
        description=("An amount in the smallest unit of its currency (cents, yen); beyond 2^53 a string."),
        serialize=minor_units_to_json,
    ),
    Decimal: replace(DecimalDefinition, serialize=fixed_point),
    datetime: replace(DateTimeDefinition, parse_value=_read_instant),
    JSON: strawberry.scalar(
        name="JSON",
        description="A JSON value; its decimals are strings without an exponent.",
        serialize=to_json,
    ),
}

_OF_STORED_ROW = {"id", "updated_at"}


def of_row(
    source: AnyModel | type[msgspec.Struct], name: str | None = None
) -> Callable[[type[Node]], type[Node]]:
    """Make a class the GraphQL type of the rows of a read model, or of a struct inside them.

    Its docstring is the description. Each annotated field without a resolver is the attribute of that name;
    id and updated_at of a read model's row are those of the stored row. TypeError if an attribute is missing.
    """
    model = source if isinstance(source, ReadModel) else None
    row = model.row if model else source

    def decorate(cls: type[Any]) -> type[Any]:
        node = strawberry.type(cls, name=name, description=cls.__doc__)
        node.__read_model__ = model
        known = {*dir(row), *(_OF_STORED_ROW if model else ())}
        fields = node.__strawberry_definition__.fields
        if missing := {field.python_name for field in fields if field.is_basic_field} - known:
            raise TypeError(f"{cls.__name__}: {row} has no {', '.join(sorted(missing))}")
        return node

    return decorate


def words(kind: type[Enum]) -> None:
    """Make an enumeration of a row's words a GraphQL enum of the same words; REST uses them too."""
    strawberry.enum(kind, description=kind.__doc__, graphql_name_from="value")


def attribute(name: str) -> Any:
    """A field that has another name in the row."""
    return strawberry.field(resolver=lambda root: field_value(root, name))


def field_value(source: Any, name: str) -> Any:
    """The value of a field without a resolver; the schema's default resolver."""
    if isinstance(source, StoredRow) and name not in _OF_STORED_ROW:
        return getattr(source.row, name)
    return getattr(source, name)


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
