"""Decodes events; the lists of a large one are decoded item by item, whenever an item is read.

An invoice may have 40,000 lines. To decode all of them at once would hold the event loop for long, and most
readers of such an event need none. Lists of at most FEW items are decoded with their event.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args, get_origin, overload

import msgspec

from shared.billing.contracts import EVENTS, decode
from shared.framework.core.event import Event
from shared.framework.eventstore.contracts import EventIsUnreadable

LARGE_BYTES = 64 * 1024
FEW = 200


class DecodedOnDemand(Sequence[Any]):
    """Items as their JSON, each decoded when it is read. Raises EventIsUnreadable then."""

    def __init__(self, items: Sequence[msgspec.Raw], kind: type[msgspec.Struct]) -> None:
        """`kind`: the type of every item."""
        self._items = items
        self._decoder = msgspec.json.Decoder(kind)

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self._decoded(item) for item in self._items[index]]
        return self._decoded(self._items[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self._decoded, self._items)

    def _decoded(self, item: msgspec.Raw) -> Any:
        try:
            return self._decoder.decode(item)
        except msgspec.MsgspecError as error:
            raise EventIsUnreadable(str(error)) from error


def decode_event(wire_name: str, state: bytes) -> Event | None:
    """The event; None for an unknown wire name. Raises EventIsUnreadable, of a large event's items later."""
    event = EVENTS.get(wire_name)
    if event is None or len(state) < LARGE_BYTES or not state.startswith(b"{"):
        return decode(wire_name, state)
    lists = _struct_lists(event)
    if not lists:
        return decode(wire_name, state)
    try:
        outline = _outline_decoder(event).decode(state)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EventIsUnreadable(f"{wire_name}: {error}") from error
    values = {field.name: getattr(outline, field.name) for field in msgspec.structs.fields(event)}
    for name, kind in lists.items():
        items = DecodedOnDemand(values[name], kind)
        values[name] = items if len(items) > FEW else tuple(items)
    return event(**values)


def with_all_items(event: Event) -> Event:
    """The event with all its items decoded, for a row that keeps them."""
    lists = {
        name: tuple(value)
        for name in _struct_lists(type(event))
        if isinstance(value := getattr(event, name), DecodedOnDemand)
    }
    return msgspec.structs.replace(event, **lists) if lists else event


@cache
def _struct_lists(event: type[Event]) -> Mapping[str, type[msgspec.Struct]]:
    """The fields that are a list of structs, with the type of their items."""
    found = {}
    for field in msgspec.structs.fields(event):
        kind, *rest = (*get_args(field.type), None)
        is_list = get_origin(field.type) is tuple and rest[:1] == [...] and isinstance(kind, type)
        if is_list and issubclass(kind, msgspec.Struct):
            found[field.name] = kind
    return found


@cache
def _outline_decoder(event: type[Event]) -> msgspec.json.Decoder[Any]:
    """Decodes the event with the items of its lists as their JSON."""
    lists = _struct_lists(event)
    fields: list[Any] = []
    for field in msgspec.structs.fields(event):
        kind = list[msgspec.Raw] if field.name in lists else field.type
        options: dict[str, Any] = {"name": field.encode_name}
        if field.default is not msgspec.NODEFAULT:
            options["default"] = () if field.name in lists else field.default
        if field.default_factory is not msgspec.NODEFAULT:
            options["default_factory"] = field.default_factory
        fields.append((field.name, kind, msgspec.field(**options)))
    return msgspec.json.Decoder(msgspec.defstruct(f"{event.__name__}Outline", fields, kw_only=True))
