"""Rows of read models with `cached` from the cache, never of an older revision than the row store has.

A copy is served only if its revision is the one that this process wrote in its running term as leader, and no
newer revision has been announced since. Changes are announced before their transaction commits, and only in
the process that leads the consumer: other processes read the row store, as every new term does at first.
So the cache server may be unreachable, empty, or restored from an older state.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from projections.engine.cache.cache import Cache, CacheKey, CacheUnavailable
from projections.engine.read_model import AnyModel, Key, RowChange, StoredRow
from projections.engine.row_store import RowReader
from shared.framework.leadership.port import LeadershipTerm
from shared.framework.retry.backoff import Sleeper

COPIES_MAX = 100_000
"""Bound of the revisions kept in memory; far more than rows can change during one read."""
PAUSE_S = 1.0
"""How long the cache is not used after it was unavailable."""

_log = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")


class CachedRowStore:
    """A RowReader in front of `rows`; `announce` is the listener of the projector in the same process."""

    def __init__(self, rows: RowReader, cache: Cache, sleeper: Sleeper, term: LeadershipTerm) -> None:
        """`term` is the leadership of the consumer; without one, every read goes to `rows`."""
        self._rows = rows
        self.page, self.pages_by = rows.page, rows.pages_by  # only single rows are cached
        self._cache = cache
        self._sleeper = sleeper
        self._term = term
        self._announced: dict[CacheKey, int] = {}
        self._written: dict[CacheKey, int] = {}
        self._written_in: int | None = None
        self._paused_until = 0.0

    async def announce(self, model: AnyModel, changes: Sequence[RowChange]) -> None:
        """Stop serving the copies of these rows, until their new revision is in the cache."""
        for change in changes if model.cached else ():
            key = (model.table, *change.stored.key)
            self._written.pop(key, None)
            self._announced.pop(key, None)  # the newest are the last
            self._announced[key] = change.stored.revision
        while len(self._announced) > COPIES_MAX:
            del self._announced[next(iter(self._announced))]

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        """See `RowReader`; from the cache where its copy is valid."""
        written = self._valid_copies() if model.cached else None
        if written is None:
            return await self._rows.load(model, keys)
        copies = await self._read(model, keys, written)
        missing = [key for key in keys if key not in copies]
        rows = await self._rows.load(model, missing) if missing else {}
        await self._write(model, rows.values(), written)
        return {**copies, **rows}

    def _valid_copies(self) -> dict[CacheKey, int] | None:
        """Revisions written in the running term; None without a term, and while the cache is not used.

        A new dictionary per term: a read that began in an earlier term records its copies in the old one.
        """
        if self._written_in != self._term.number or len(self._written) > COPIES_MAX:
            self._written, self._written_in = {}, self._term.number
        usable = self._written_in is not None and self._sleeper.elapsed() >= self._paused_until
        return self._written if usable else None

    async def _read(
        self, model: AnyModel, keys: Iterable[Key], written: Mapping[CacheKey, int]
    ) -> dict[Key, StoredRow[Any]]:
        wanted = [copy for key in keys if (copy := (model.table, *key)) in written]
        try:
            found = await self._cache.read(wanted)
        except CacheUnavailable as error:
            self._pause(model, error)
            return {}
        rows = ((copy, decode_row(model, copy[1:], document)) for copy, document in found.items())
        return {row.key: row for copy, row in rows if row and row.revision == written.get(copy)}

    async def _write(
        self, model: AnyModel, rows: Collection[StoredRow[Any]], written: dict[CacheKey, int]
    ) -> None:
        copies = {(model.table, *row.key): (row.revision, encode_row(row)) for row in rows}
        try:
            await self._cache.write(copies)
        except CacheUnavailable as error:
            self._pause(model, error)
            return
        for copy, (revision, _) in copies.items():
            if revision >= self._announced.get(copy, 0):
                written[copy] = revision

    def _pause(self, model: AnyModel, error: CacheUnavailable) -> None:
        self._paused_until = self._sleeper.elapsed() + PAUSE_S
        _log.warning("the cache is unavailable", extra={"model": model.name, "cause": str(error)})


class CachedRow(msgspec.Struct, frozen=True):
    """The JSON document of a cached row."""

    row: msgspec.Raw
    revision: int
    updated_at: datetime
    position: int


def encode_row(stored: StoredRow[Any]) -> bytes:
    """The document of a row."""
    row = msgspec.Raw(_encoder.encode(stored.row))
    return _encoder.encode(CachedRow(row, stored.revision, stored.updated_at, stored.position))


def decode_row(model: AnyModel, key: Key, document: bytes) -> StoredRow[Any] | None:
    """The row of a document; None if the document cannot be read as a row of the model."""
    try:
        cached = msgspec.json.decode(document, type=CachedRow)
        row = msgspec.json.decode(cached.row, type=model.row)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return StoredRow(*key, row, cached.revision, cached.updated_at, cached.position)
