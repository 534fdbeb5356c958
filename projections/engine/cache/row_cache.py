"""Keeps a copy of one model's rows, and knows when not to believe it.

A row is believed only while the server is the one that was filled, and only if no change of that row is
under way: a change is announced before its transaction commits, and copied once it is there. Only the process
that leads hears of changes; so it fills the copy anew in each of its terms, and others ask the truth.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from projections.engine.cache.cache import Cache, CacheUnavailable
from projections.engine.folding import RowChange
from projections.engine.read_model import AnyModel, Key, StoredRow
from projections.engine.row_store import RowStore, every_row
from shared.framework.leadership.port import LeadershipTerm
from shared.framework.retry.backoff import Sleeper, restart_with_backoff

GIVEN_UP_AFTER_S = 20.0
"""A change that is not there by then probably did not happen. Its row is not waited for any longer, but not
believed either, until it has changed again: a transaction may have been slower than we think."""
POLL_S = 0.01
IDLE_S = 1.0
FILL_PAGE = 500

_log = logging.getLogger(__name__)


class CachedRow(msgspec.Struct, frozen=True):
    """A stored row, as it is copied."""

    row: msgspec.Raw
    revision: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PendingRevision:
    """A revision that is about to be committed, announced at `since` on the sleeper's own scale."""

    revision: int
    since: float


class RowCache:
    """The copy of one model. `rows` is the truth; `run` is an endless task of the process."""

    def __init__(
        self, model: AnyModel, rows: RowStore, cache: Cache, sleeper: Sleeper, term: LeadershipTerm
    ) -> None:
        """Not believed until `run` has filled it, in a term of this process."""
        self.model = model
        self._rows = rows
        self._cache = cache
        self._sleeper = sleeper
        self._term = term
        self._believed: str | None = None
        self._filled_in: int | None = None
        self._awaited: dict[Key, PendingRevision] = {}
        self._given_up: set[Key] = set()
        self._wake = asyncio.Event()

    async def announce(self, model: AnyModel, changes: Sequence[RowChange]) -> None:
        """These rows are about to change: do not believe the copy of them until it is renewed."""
        if model is not self.model:
            return
        now = self._sleeper.elapsed()
        self._awaited |= {
            change.stored.key: PendingRevision(change.stored.revision, now) for change in changes
        }
        self._wake.set()

    async def read(self, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        """Rows of which the copy can be believed; for the others ask the truth. Raises nothing."""
        if not self.is_valid:
            return {}
        wanted = [key for key in keys if key not in self._awaited and key not in self._given_up]
        try:
            found = await self._cache.read(wanted)
        except CacheUnavailable as error:
            self._invalidate(str(error))
            return {}
        if self._cache.incarnation != self._believed:
            self._invalidate("another server answered")
            return {}
        rows = {key: stored_of(self.model, key, document) for key, document in found.items()}
        return {key: row for key, row in rows.items() if row is not None}

    async def busy(self) -> int:
        """Rows still to be copied; none while there is nowhere to copy them to."""
        return len(self._awaited) if self.is_valid else 0

    @property
    def is_valid(self) -> bool:
        """Whether it was filled by this process, in the term that is still running, and not doubted since."""
        return self._believed is not None and self._filled_in == self._term.number

    async def run(self) -> None:
        """Fill, follow, and fill again whenever the server was away or is another one."""
        await restart_with_backoff(f"hot copy of {self.model.name}", self._follow, self._sleeper)

    async def _follow(self) -> None:
        while True:
            try:
                if self._term.number is not None:
                    await self._refresh()
            except CacheUnavailable as error:
                self._invalidate(str(error))
            await self._pause()

    async def _refresh(self) -> None:
        if not self.is_valid:
            await self._fill()
        await self._renew()

    async def _pause(self) -> None:
        if not self.is_valid:
            await self._sleeper.sleep(IDLE_S)
            return
        if not self._awaited:
            await self._sleeper.sleep(IDLE_S, self._wake)
            self._wake.clear()
        await self._sleeper.sleep(POLL_S)

    async def _fill(self) -> None:
        term, met = self._term.number, await self._cache.meet()
        page: list[StoredRow[Any]] = []
        async for stored in every_row(self._rows, self.model, FILL_PAGE):
            page.append(stored)
            if len(page) == FILL_PAGE:
                await self._write(page)
                page = []
        await self._write(page)
        if self._cache.incarnation == met:
            self._believed, self._filled_in = met, term

    async def _renew(self) -> None:
        awaited = dict(self._awaited)
        if not awaited or not self.is_valid:
            return
        rows = await self._rows.load(self.model, awaited)
        oldest = self._sleeper.elapsed() - GIVEN_UP_AFTER_S
        there = [key for key, one in awaited.items() if _is_there(rows.get(key), one)]
        late = [key for key, one in awaited.items() if key not in there and one.since < oldest]
        await self._write([rows[key] for key in there])
        self._given_up = (self._given_up | set(late)) - set(there)
        for key in (*there, *late):
            if self._awaited.get(key) == awaited[key]:
                del self._awaited[key]

    async def _write(self, rows: Sequence[StoredRow[Any]]) -> None:
        if rows:
            await self._cache.write({stored.key: (stored.revision, copied(stored)) for stored in rows})

    def _invalidate(self, cause: str) -> None:
        if self._believed is not None:
            _log.warning("the hot copy is not believed", extra={"model": self.model.name, "cause": cause})
        self._believed = None


def copied(stored: StoredRow[Any]) -> bytes:
    """The document of a row."""
    row = msgspec.Raw(_encoder.encode(stored.row))
    return _encoder.encode(CachedRow(row, stored.revision, stored.updated_at))


def stored_of(model: AnyModel, key: Key, document: bytes) -> StoredRow[Any] | None:
    """The row that a document copies; None for what we never wrote."""
    try:
        known = msgspec.json.decode(document, type=CachedRow)
        row = msgspec.json.decode(known.row, type=model.row)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return StoredRow(*key, row, known.revision, known.updated_at)


def _is_there(stored: StoredRow[Any] | None, awaited: PendingRevision) -> bool:
    return stored is not None and stored.revision >= awaited.revision


_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")
