"""Meters in Postgres."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from services.metering.meters.ports import RegisteredMeter, RegisteredMeters
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.pool import translate_errors
from shared.framework.eventstore.ports import InboxConflict, VersionConflict
from shared.framework.eventstore.records import CommitReceipt, SideWrite

_ADD = "INSERT INTO meters (tenant_id, key, meter_id, definition) VALUES ($1, $2, $3, $4)"
_ACTIVATE = "UPDATE meters SET joined_from = $2 WHERE meter_id = $1 AND joined_from IS NULL"
_PENDING = "SELECT count(*) FROM meters WHERE meter_id = ANY($1) AND joined_from IS NULL"
_COUNTS = "SELECT count(*), count(joined_from) FROM meters"
_UNREADABLE = "SELECT events FROM unreadable_counts WHERE meter_id = $1"

_decoder = msgspec.json.Decoder(MeterDefined)


class PostgresMeterRepository:
    """See MeterRepository. All meters are cached; they never change, so counts show if the cache is old."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """`pool` of the service's own database."""
        self._pool = pool
        self._cached: RegisteredMeters = {}

    async def all(self) -> RegisteredMeters:
        with translate_errors():
            active = sum(one.is_active for one in self._cached.values())
            if await _counts(self._pool) != (len(self._cached), active):
                rows = await self._pool.fetch("SELECT * FROM meters ORDER BY tenant_id, key")
                self._cached = {(row["tenant_id"], row["key"]): _meter_of(row) for row in rows}
        return self._cached

    async def unreadable_count(self, tenant_id: str, meter_id: str) -> int:
        with translate_errors():
            return int(await self._pool.fetchval(_UNREADABLE, meter_id) or 0)

    def add_write(self, tenant_id: str, meter: MeterDefined) -> SideWrite:

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            definition = msgspec.json.encode(meter)
            await connection.execute(_ADD, tenant_id, meter.key, meter.meter_id, definition)

        return write

    def activate_write(self, meter_id: str, position: int) -> SideWrite:
        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            await connection.execute(_ACTIVATE, meter_id, position)

        return write

    def assert_pending_write(self, meter_ids: Sequence[str]) -> SideWrite:
        """See MeterRepository. Their backfills' inbox positions were moved before in this transaction."""

        async def check(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            if await connection.fetchval(_PENDING, list(meter_ids)) != len(meter_ids):
                raise InboxConflict("a meter was activated by another process")

        return check

    def assert_active_count_write(self, count: int) -> SideWrite:
        """See MeterRepository.

        The inbox position was moved before in this transaction: until its commit no meter can be activated.
        """

        async def check(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            if (await _counts(connection))[1] != count:
                raise VersionConflict("another meter was activated")

        return check


async def _counts(connection: Any) -> tuple[int, int]:
    """The numbers of all meters and of active ones."""
    meters, active = await connection.fetchrow(_COUNTS)
    return meters, active


def _meter_of(row: asyncpg.Record) -> RegisteredMeter:
    return RegisteredMeter(row["tenant_id"], _decoder.decode(row["definition"]), row["joined_from"])
