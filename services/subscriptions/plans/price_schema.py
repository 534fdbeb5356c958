"""Prices as JSON: read by the register of pricing models itself, so a new model needs no change here."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from shared.billing.pricing import Price
from shared.framework.http.field_types import UNSIGNED_AMOUNT_SCHEMA, read_amount


def read_price(value: Any) -> Price:
    """The price that this JSON object spells; ValueError in words for people."""
    try:
        price: Price = msgspec.convert(value, Price)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    _check_strictness(value, msgspec.to_builtins(price, builtin_types=(Decimal,)))
    return price


def _check_strictness(given: Any, known: Any) -> None:
    """ValueError for unknown fields, and for amounts that only msgspec takes: 1_0, 1e5, JSON numbers."""
    if isinstance(known, Decimal):
        read_amount(given)
    elif isinstance(given, dict):
        if unknown := sorted(given.keys() - known.keys()):
            raise ValueError(f"unknown field: {', '.join(unknown)}")
        for key in given:
            _check_strictness(given[key], known[key])
    elif isinstance(given, list):
        for one, other in zip(given, known, strict=True):
            _check_strictness(one, other)


def _schema() -> dict[str, Any]:
    """The union's JSON Schema with its parts written out, for OpenAPI resolves no $defs of ours."""
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


PriceBody = Annotated[
    Any,
    PlainValidator(read_price),
    PlainSerializer(msgspec.to_builtins),
    WithJsonSchema(_schema()),
]
"""A price of any model that is on the shelf of shared.billing.pricing; `model` says which."""
