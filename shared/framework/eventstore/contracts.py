"""The events that a deployment can write and read back, and their bytes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import zstandard

from shared.framework.core.event import Event
from shared.framework.eventstore.records import ClockChange

BATCH_BYTES_MAX = 64 * 1024 * 1024

_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")


class EventIsUnreadable(Exception):
    """Stored bytes cannot be decoded as the event that their wire name names."""


def encode(event: Event) -> bytes:
    """The bytes of an event as they are stored and published."""
    body = _encoder.encode(event)
    return compress(body) if event.compressed else body


def json_bytes(wire_name: str, state: bytes) -> bytes:
    """The JSON of a stored event; a zstd frame (recognised by its magic number) is decompressed.

    Raises EventIsUnreadable for a frame that is damaged or larger than BATCH_BYTES_MAX.
    """
    if not state.startswith(zstandard.FRAME_HEADER):
        return state
    if not 0 <= zstandard.frame_content_size(state) <= BATCH_BYTES_MAX:
        raise EventIsUnreadable(f"{wire_name}: larger than {BATCH_BYTES_MAX} bytes")
    try:
        return zstandard.ZstdDecompressor().decompress(state)
    except zstandard.ZstdError as error:
        raise EventIsUnreadable(f"{wire_name}: {error}") from error


def compress(body: bytes) -> bytes:
    """A zstd frame of level 1 with the content size in its header."""
    return zstandard.ZstdCompressor(level=1).compress(body)


Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Converts the JSON object of an old wire name to the newest shape; a pure function."""


class EventIsNotRegistered(TypeError):
    """An event to append has a wire name that is not in the contracts or belongs to another class.

    Its bytes could not be read back, so nothing is stored.
    """


@dataclass(frozen=True, slots=True)
class Contracts:
    """Event classes by wire name, the topic of each context, and what moves test clocks.

    `upcasters`: old wire name -> (newest wire name, upcaster). `test_clocks`: wire name of an event that sets
    its tenant's test clock -> the function that reads the change from it.
    """

    events: Mapping[str, type[Event]]
    topics: Mapping[str, str]
    test_clocks: Mapping[str, Callable[[Any], ClockChange]] = field(default_factory=dict)
    upcasters: Mapping[str, tuple[str, Upcaster]] = field(default_factory=dict)
    contexts: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)
    """Topic -> context."""
    _decoders: dict[str, "msgspec.json.Decoder[Event]"] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Build one decoder per wire name: decoding is on the path of every load and every replay.

        Raises EventIsNotRegistered for an upcaster or a test clock event whose wire name is unknown.
        """
        newest = {name for name, _ in self.upcasters.values()}
        if unknown := (newest | self.test_clocks.keys()) - self.events.keys():
            raise EventIsNotRegistered(", ".join(sorted(unknown)))
        self.contexts.update({topic: context for context, topic in self.topics.items()})
        self._decoders.update({name: msgspec.json.Decoder(event) for name, event in self.events.items()})

    def encode(self, event: Event) -> bytes:
        """The bytes of an event as they are stored and published. Raises EventIsNotRegistered."""
        if self.events.get(event.wire_name) is not type(event):
            raise EventIsNotRegistered(f"{type(event).__qualname__} ({event.wire_name})")
        return encode(event)

    def decode(self, wire_name: str, state: bytes) -> Event | None:
        """The event; None for an unknown wire name, as of a newer release. Raises EventIsUnreadable."""
        try:
            if wire_name in self.upcasters:
                newest, upcast = self.upcasters[wire_name]
                lifted = upcast(msgspec.json.decode(json_bytes(wire_name, state)))
                return self._decoders[newest].decode(msgspec.json.encode(lifted))
            decoder = self._decoders.get(wire_name)
            return None if decoder is None else decoder.decode(json_bytes(wire_name, state))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise EventIsUnreadable(f"{wire_name}: {error}") from error


def by_wire_name(events: Iterable[type[Event]]) -> dict[str, type[Event]]:
    """Event classes by wire name. Raises ValueError if two classes have the same one."""
    found: dict[str, type[Event]] = {}
    for event in events:
        if found.setdefault(event.wire_name, event) is not event:
            raise ValueError(f"{event.wire_name} is the wire name of {found[event.wire_name]} and of {event}")
    return found
