"""The JSON of prices, for request bodies and OpenAPI; a new pricing model needs no change here."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from shared.billing.pricing import Price
from shared.framework.core.decimals import to_json
from shared.framework.http.field_types import UNSIGNED_AMOUNT_SCHEMA, read_amount


def read_price(value: Any) -> Price:
    """The price of a JSON object. Raises ValueError with a message for people."""
    try:
        price: Price = msgspec.convert(value, Price)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    _check_strictness(value, msgspec.to_builtins(price, builtin_types=(Decimal,)))
    return price


def _check_strictness(given: Any, parsed: Any) -> None:
    """Raise ValueError for unknown fields, and for amounts that only msgspec accepts (1_0, 1e5, 0.5)."""
    if isinstance(parsed, Decimal):
        read_amount(given)
    elif isinstance(given, dict):
        if unknown := sorted(given.keys() - parsed.keys()):
            raise ValueError(f"unknown field: {', '.join(unknown)}")
        for key in given:
            _check_strictness(given[key], parsed[key])
    elif isinstance(given, list):
        for one, other in zip(given, parsed, strict=True):
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


PriceBody = Annotated[
    Any,
    PlainValidator(read_price),
    PlainSerializer(to_json),
    WithJsonSchema(_schema()),
]
"""A price of any model in the register of shared.billing.pricing; its field `model` names the model."""
