"""Events to bytes and back: typed JSON, compressed where the event says so."""

from collections.abc import Callable
from typing import Any

import msgspec
import zstandard

from shared.billing.contracts import EVENTS
from shared.framework.core.event import Event

# Old wire names and the pure function that lifts their JSON object to the newest shape.
UPCASTERS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {}

BATCH_BYTES_MAX = 64 * 1024 * 1024

_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_decoders = {name: msgspec.json.Decoder(event) for name, event in EVENTS.items()}


class EventIsUnreadable(Exception):
    """Stored bytes are not what their wire name promises."""


def encode(event: Event) -> bytes:
    """The bytes that are stored and published."""
    body = _encoder.encode(event)
    return compress(body) if event.compressed else body


def decode(wire_name: str, state: bytes) -> Event | None:
    """The event, or None for a wire name that this release does not know; EventIsUnreadable if damaged."""
    try:
        if wire_name in UPCASTERS:
            current, lift = UPCASTERS[wire_name]
            lifted = lift(msgspec.json.decode(json_bytes(wire_name, state)))
            return _decoders[current].decode(_encoder.encode(lifted))
        decoder = _decoders.get(wire_name)
        return None if decoder is None else decoder.decode(json_bytes(wire_name, state))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EventIsUnreadable(f"{wire_name}: {error}") from error


def json_bytes(wire_name: str, state: bytes) -> bytes:
    """The JSON text of a stored event, decompressed if it is a zstd frame, which no JSON begins like.

    EventIsUnreadable for a frame that is damaged or too large.
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
    """How compressed events are stored: zstd, level 1, with the content size in the frame."""
    return zstandard.ZstdCompressor(level=1).compress(body)
