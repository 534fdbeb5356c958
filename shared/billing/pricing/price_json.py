"""Prices as JSON: the reader of any price model, and its JSON Schema. A new model needs no change here."""

import re
from decimal import Decimal
from typing import Any

import msgspec

from shared.billing.pricing import Price
from shared.framework.core.decimals import UNSIGNED_AMOUNT_SCHEMA, read_amount
from shared.framework.core.refusals import FieldPath, ValueIsInvalid, in_field

_AT = re.compile(r" - at `\$(.*)`$")
_PART = re.compile(r"\.([^.\[]+)|\[([0-9]+|\.\.\.)\]")


def read_price(value: Any) -> Price:
    """The price of a JSON value. Raises ValueIsInvalid, which names the part that is wrong."""
    try:
        price: Price = msgspec.convert(value, Price)
    except msgspec.ValidationError as error:
        raise ValueIsInvalid(_AT.sub("", str(error)), _field_of(str(error))) from None
    _check_strictness(value, msgspec.to_builtins(price, builtin_types=(Decimal,)))
    return price


def _field_of(message: str) -> FieldPath:
    """The place in a message of msgspec: `... - at `$.tiers[0].up_to``."""
    at = _AT.search(message)
    parts = _PART.findall(at[1]) if at else []
    return tuple(name or (int(index) if index.isdigit() else index) for name, index in parts)


def _check_strictness(given: Any, parsed: Any) -> None:
    """Raise ValueIsInvalid for unknown fields, and for amounts that only msgspec accepts (1_0, 1e5, 0.5)."""
    if isinstance(parsed, Decimal):
        try:
            read_amount(given)
        except ValueError as error:
            raise ValueIsInvalid(str(error)) from None
    elif isinstance(given, dict):
        if unknown := sorted(given.keys() - parsed.keys()):
            raise ValueIsInvalid(f"unknown field: {', '.join(unknown)}", (unknown[0],))
        for key in given:
            with in_field(key):
                _check_strictness(given[key], parsed[key])
    elif isinstance(given, list):
        for index, (one, other) in enumerate(zip(given, parsed, strict=True)):
            with in_field(index):
                _check_strictness(one, other)


def _schema() -> dict[str, Any]:
    """The JSON Schema of Price without references: OpenAPI does not resolve those of msgspec."""
    schema = msgspec.json.schema(Price)
    parts = schema.pop("$defs")

    def inlined(node: Any) -> Any:
        if isinstance(node, dict) and "$ref" in node:
            return inlined(parts[node["$ref"].rsplit("/", 1)[1]])
        if isinstance(node, dict) and node.get("format") == "decimal":
            return {key: child for key, child in node.items() if key != "format"} | UNSIGNED_AMOUNT_SCHEMA
        if isinstance(node, dict):
            closed = {"additionalProperties": False} if "properties" in node else {}
            return closed | {key: inlined(child) for key, child in node.items() if key != "discriminator"}
        return [inlined(child) for child in node] if isinstance(node, list) else node

    return {"oneOf": inlined(schema["anyOf"])}


PRICE_SCHEMA = _schema()
