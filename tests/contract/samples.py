"""A deterministic sample of any event, built from its type: what a new golden file starts from."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from shared.billing.pricing import Graduated
from shared.framework.core.event import Event

_LEAVES: dict[type, Any] = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.IntType: 7,
    msgspec.inspect.BoolType: True,
    msgspec.inspect.DecimalType: Decimal("12.345"),
    msgspec.inspect.DateTimeType: datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    msgspec.inspect.AnyType: "anything",
    msgspec.inspect.RawType: msgspec.Raw(b'{"text":"anything"}'),
}


def sample(event: type[Event]) -> Event:
    """An instance with every field filled, optional ones too."""
    built = _build(msgspec.inspect.type_info(event))
    if not isinstance(built, Event):
        raise TypeError(f"{event} is no event")
    return built


def _build(kind: msgspec.inspect.Type) -> Any:
    if isinstance(kind, msgspec.inspect.StructType):
        return kind.cls(**{field.name: _build(field.type) for field in kind.fields})
    if isinstance(kind, msgspec.inspect.VarTupleType):
        return (_build(kind.item_type),)
    if isinstance(kind, msgspec.inspect.DictType):
        return {_build(kind.key_type): _build(kind.value_type)}
    if isinstance(kind, msgspec.inspect.UnionType):
        return _build(_richest(kind))
    if isinstance(kind, msgspec.inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, msgspec.inspect.EnumType):
        return next(iter(kind.cls))
    return _LEAVES[type(kind)]


def sample_of(struct: type[msgspec.Struct]) -> msgspec.Struct:
    """An instance of any struct with every field filled."""
    built: msgspec.Struct = _build(msgspec.inspect.type_info(struct))
    return built


def _richest(union: msgspec.inspect.UnionType) -> msgspec.inspect.Type:
    # Of `X | None` the X; of prices always the same model, as new ones join; else the one with most fields.
    rank: Callable[[msgspec.inspect.Type], int] = lambda kind: (  # noqa: E731 - a key, used once
        -1 if isinstance(kind, msgspec.inspect.NoneType) else len(str(kind))
    )
    fixed = [
        kind for kind in union.types if isinstance(kind, msgspec.inspect.StructType) and kind.cls is Graduated
    ]
    return fixed[0] if fixed else max(union.types, key=rank)
