"""The book of meters in Postgres."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from services.metering.meters.ports import RegisteredMeter
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.pool import translate_errors
from shared.framework.eventstore.ports import VersionConflict
from shared.framework.eventstore.records import CommitReceipt, SideWrite

_ENTER = "INSERT INTO meters (tenant_id, key, meter_id, definition) VALUES ($1, $2, $3, $4)"
_JOIN = "UPDATE meters SET joined_from = $2 WHERE meter_id = $1 AND joined_from IS NULL"
_EDITION = "SELECT count(*), count(joined_from) FROM meters"
_UNREADABLE = "SELECT coalesce(sum(events), 0)::bigint FROM unreadable WHERE meter_id = $1"

_decoder = msgspec.json.Decoder(MeterDefined)


class PostgresMeterRepository:
    """See MeterRepository. Meters never change, so their numbers say whether there is news."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """`pool` of the service's own database."""
        self._pool = pool
        self._known: Sequence[RegisteredMeter] = ()
        self._edition = (0, 0)

    async def all(self) -> Sequence[RegisteredMeter]:
        """See MeterRepository."""
        with translate_errors():
            if await _edition(self._pool) != self._edition:
                rows = await self._pool.fetch("SELECT * FROM meters ORDER BY tenant_id, key")
                self._known = [_entry(row) for row in rows]
                self._edition = (len(self._known), _joined(self._known))
        return self._known

    async def of_tenant(self, tenant_id: str) -> Sequence[MeterDefined]:
        """See MeterRepository."""
        query = "SELECT * FROM meters WHERE tenant_id = $1 ORDER BY key"
        with translate_errors():
            rows = await self._pool.fetch(query, tenant_id)
        return [_entry(row).meter for row in rows]

    async def find(self, tenant_id: str, key: str) -> RegisteredMeter | None:
        """See MeterRepository."""
        query = "SELECT * FROM meters WHERE tenant_id = $1 AND key = $2"
        with translate_errors():
            row = await self._pool.fetchrow(query, tenant_id, key)
        return None if row is None else _entry(row)

    async def unreadable_count(self, tenant_id: str, meter_id: str) -> int:
        """See MeterRepository."""
        with translate_errors():
            return int(await self._pool.fetchval(_UNREADABLE, meter_id))

    def add(self, tenant_id: str, meter: MeterDefined) -> SideWrite:
        """See MeterRepository."""

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            definition = msgspec.json.encode(meter)
            await connection.execute(_ENTER, tenant_id, meter.key, meter.meter_id, definition)

        return write

    def activate(self, meter_id: str, position: int) -> SideWrite:
        """See MeterRepository."""

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            await connection.execute(_JOIN, meter_id, position)

        return write

    def assert_unchanged(self, entries: Sequence[RegisteredMeter]) -> SideWrite:
        """See MeterRepository. The inbox mark, moved before, keeps meters from joining until the commit."""

        async def check(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            if (await _edition(connection))[1] != _joined(entries):
                raise VersionConflict("another meter has joined")

        return check


async def _edition(connection: Any) -> tuple[int, int]:
    meters, joined = await connection.fetchrow(_EDITION)
    return meters, joined


def _joined(entries: Sequence[RegisteredMeter]) -> int:
    return sum(entry.joined_from is not None for entry in entries)


def _entry(row: asyncpg.Record) -> RegisteredMeter:
    return RegisteredMeter(row["tenant_id"], _decoder.decode(row["definition"]), row["joined_from"])
