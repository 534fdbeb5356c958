"""Bytes of events: deterministic JSON, compressed where the event class says so."""

import msgspec
import zstandard

from shared.framework.core.event import Event

BATCH_BYTES_MAX = 64 * 1024 * 1024

_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")


class EventIsUnreadable(Exception):
    """Stored bytes are not what their wire name promises."""


def encode(event: Event) -> bytes:
    """The bytes that are stored and published."""
    body = _encoder.encode(event)
    return compress(body) if event.compressed else body


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
