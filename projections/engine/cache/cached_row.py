"""A row as a document of the cache."""

from datetime import datetime
from typing import Any

import msgspec

from projections.engine.read_model import AnyModel, Key, StoredRow

_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")


class CachedRow(msgspec.Struct, frozen=True):
    """The JSON shape of a document."""

    row: msgspec.Raw
    revision: int
    updated_at: datetime


def encode_row(stored: StoredRow[Any]) -> bytes:
    """The document of a row."""
    row = msgspec.Raw(_encoder.encode(stored.row))
    return _encoder.encode(CachedRow(row, stored.revision, stored.updated_at))


def decode_row(model: AnyModel, key: Key, document: bytes) -> StoredRow[Any] | None:
    """The row of a document; None if the document cannot be read as a row of the model."""
    try:
        cached = msgspec.json.decode(document, type=CachedRow)
        row = msgspec.json.decode(cached.row, type=model.row)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return StoredRow(*key, row, cached.revision, cached.updated_at)
