"""Random events of a class, for property tests."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from shared.framework.core.event import Event

_EPOCH, _MILLISECOND = datetime(2020, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_CHARACTERS = st.characters(codec="utf-8")
_TEXT = st.text(_CHARACTERS, max_size=20)
_INT = st.integers(-(2**53), 2**53)

_LEAVES: dict[type, st.SearchStrategy[Any]] = {
    msgspec.inspect.NoneType: st.none(),
    msgspec.inspect.IntType: _INT,
    msgspec.inspect.BoolType: st.booleans(),
    msgspec.inspect.DecimalType: st.decimals(allow_nan=False, allow_infinity=False, places=12),
    msgspec.inspect.DateTimeType: st.integers(0, 10**10).map(lambda ms: _EPOCH + ms * _MILLISECOND),
    msgspec.inspect.AnyType: st.none() | st.booleans() | _INT | _TEXT,
    msgspec.inspect.RawType: _INT.map(lambda number: msgspec.Raw(str(number).encode())),
}


def any_event(event: type[Event]) -> st.SearchStrategy[Event]:
    """A strategy for instances of this event class, with each field drawn from its type."""
    return _strategy(msgspec.inspect.type_info(event))


def _strategy(kind: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    build = _BUILT.get(type(kind))
    return _LEAVES[type(kind)] if build is None else build(kind)


def _struct(kind: Any) -> st.SearchStrategy[Any]:
    # Kept for each class: prices are in many events, and hold unions of other prices.
    if kind.cls not in _STRUCTS:
        fields = {field.name: _strategy(field.type) for field in kind.fields}
        _STRUCTS[kind.cls] = st.builds(kind.cls, **fields)
    return _STRUCTS[kind.cls]


_STRUCTS: dict[type, st.SearchStrategy[Any]] = {}


_BUILT: dict[type, Callable[[Any], st.SearchStrategy[Any]]] = {
    msgspec.inspect.StructType: _struct,
    msgspec.inspect.StrType: lambda kind: st.text(
        _CHARACTERS, min_size=kind.min_length or 0, max_size=min(kind.max_length or 20, 20)
    ),
    msgspec.inspect.VarTupleType: lambda kind: st.lists(_strategy(kind.item_type), max_size=3).map(tuple),
    msgspec.inspect.DictType: lambda kind: st.dictionaries(
        _strategy(kind.key_type), _strategy(kind.value_type), max_size=3
    ),
    msgspec.inspect.UnionType: lambda kind: st.one_of(*map(_strategy, kind.types)),
    msgspec.inspect.LiteralType: lambda kind: st.sampled_from(kind.values),
    msgspec.inspect.EnumType: lambda kind: st.sampled_from(kind.cls),
}
