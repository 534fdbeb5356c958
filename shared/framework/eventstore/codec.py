"""Events as bytes: deterministic JSON, compressed if the event class says so."""

import msgspec
import zstandard

from shared.framework.core.event import Event

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
