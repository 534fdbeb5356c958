"""Field types of request and response bodies: strict and bounded.

Money and quantities are decimal strings, never JSON numbers with a fraction.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from shared.framework.core.decimals import (
    AMOUNT_PATTERN,
    UNSIGNED_AMOUNT_SCHEMA,
    fixed_point,
    minor_units_to_json,
    read_amount,
)
from shared.framework.core.instants import INSTANT_PATTERN, as_utc, parse_instant
from shared.framework.core.text import SCHEMA_PATTERN, flaw_of_identifier, unprintable

INT64_MAX = 2**63 - 1
TEXT_LENGTH_MAX = 256


class ApiModel(BaseModel):
    """Base class of request and response bodies: unknown fields are refused, no value is converted.

    Use list (not tuple) and Literal (not Enum) for fields, as in JSON.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def of(cls, source: object) -> Self:
        """A body made of the attributes of `source` with the same names; tuples become lists."""
        return cls.model_validate(source, strict=False, from_attributes=True)


def _not_negative(amount: Decimal) -> Decimal:
    if amount < 0:
        raise ValueError("must not be negative")
    return amount


def _read_instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return as_utc(value)
    return parse_instant(value if isinstance(value, str) else "")


def _printable(text: str) -> str:
    if character := unprintable(text):
        raise ValueError(f"must not contain {character}, which cannot be seen")
    return text


def _identifying(text: str) -> str:
    if flaw := flaw_of_identifier(text):
        raise ValueError(flaw)
    return text


DecimalAmount = Annotated[
    Decimal,
    BeforeValidator(read_amount),
    PlainSerializer(fixed_point, return_type=str),
    WithJsonSchema({"type": "string", "pattern": AMOUNT_PATTERN, "examples": ["0.0125"]}),
]
"""An exact decimal as a string: at most 20 digits, at most 12 of them after the point, no exponent."""

NonNegativeDecimal = Annotated[
    DecimalAmount,
    AfterValidator(_not_negative),
    WithJsonSchema(UNSIGNED_AMOUNT_SCHEMA),
]
"""A DecimalAmount that is not negative: prices and quantities."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:\-]{1,64}$")]
"""A key or id, of Tollhouse or of the client."""

Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    PlainSerializer(
        lambda instant: instant.astimezone(UTC).isoformat().replace("+00:00", "Z"), return_type=str
    ),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": INSTANT_PATTERN}),
]
"""An instant: RFC 3339 with offset, cut to the microsecond and converted to UTC."""

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""A currency code (ISO 4217)."""


def _minor_units(value: object) -> object:
    """The number of a text that a response may have instead of it, so that what is read can be sent."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[1-9][0-9]{15,18}", value) else value


MinorUnits = Annotated[
    int,
    BeforeValidator(_minor_units),
    Field(strict=True, ge=-INT64_MAX - 1, le=INT64_MAX),
    PlainSerializer(minor_units_to_json),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^-?[1-9][0-9]{15,18}$"}]}),
]
"""Money in the smallest unit of its currency, 64 bits; beyond 2^53 a string: JSON readers lose digits."""


class AmountBody(ApiModel):
    """Money in minor units."""

    minor: MinorUnits
    currency: CurrencyCode


NonNegativeInt = Annotated[int, Field(strict=True, ge=0, le=INT64_MAX)]
"""A count."""

_TEXT_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": TEXT_LENGTH_MAX,
    "pattern": SCHEMA_PATTERN,
}

ShortText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TEXT_LENGTH_MAX),
    AfterValidator(_printable),
    WithJsonSchema(_TEXT_SCHEMA),
]
"""A short line for people: names, descriptions, reasons."""

PrintableId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TEXT_LENGTH_MAX),
    AfterValidator(_identifying),
    WithJsonSchema({**_TEXT_SCHEMA, "description": "In Unicode normalization form C."}),
]
"""An identifier of the client's own making, in letters of every script (core/text.py)."""
