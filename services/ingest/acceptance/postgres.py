"""Deduplication in Postgres: keys by sorted binary COPY into partitions of a month."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from operator import itemgetter

import asyncpg
import msgspec

from services.ingest.acceptance.ports import DuplicateKeys, RejectedEventRow
from services.ingest.events.deduplication import DeduplicationKey
from shared.billing.contracts.ingest.rejected_events import RejectedUsage, UsageRejected
from shared.framework.eventstore.pool import translate_errors
from shared.framework.eventstore.records import CommitReceipt, SideWrite

_KNOWN = """
SELECT d.day, d.key, d.fingerprint
FROM usage_dedup d
JOIN unnest($1::date[], $2::bytea[]) AS wanted (day, key) ON d.day = wanted.day AND d.key = wanted.key
WHERE d.day BETWEEN $3 AND $4
"""
_REJECTED = """
SELECT number, tenant_id, batch_id, rejected_at, reason, detail, event_id, source, body
FROM rejected_usage WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3
"""
_REJECTED_COLUMNS = ("tenant_id", "batch_id", "rejected_at", "reason", "detail", "event_id", "source", "body")

_day_of, _key_of = itemgetter(0), itemgetter(1)


class PostgresDeduplicationStore:
    """See DeduplicationStore. A month's partition is made before the first transaction that needs it."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """`pool` of the service's own database."""
        self._pool = pool
        self._months: set[date] = set()

    async def known(self, keys: Collection[DeduplicationKey]) -> dict[DeduplicationKey, int]:
        if not keys:
            return {}
        days, hashes = zip(*sorted(keys), strict=True)
        with translate_errors():
            rows = await self._pool.fetch(_KNOWN, days, hashes, days[0], days[-1])
        return {(row["day"], row["key"]): row["fingerprint"] for row in rows}

    async def store_write(
        self, accepted: Mapping[DeduplicationKey, int], rejected: Sequence[tuple[str, UsageRejected]]
    ) -> SideWrite:
        days = {day for day, _ in accepted}
        await self._make_months({day.replace(day=1) for day in days})
        # Sorted by day and key: neighbours go to the same page, and two writers cannot deadlock.
        # Two stable sorts by one column each are far cheaper than one by both.
        rows = [(day, key, fingerprint) for (day, key), fingerprint in accepted.items()]
        rows.sort(key=_key_of)
        if len(days) > 1:
            rows.sort(key=_day_of)

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            try:
                if rows:
                    await connection.copy_records_to_table("usage_dedup", records=rows)
            except asyncpg.UniqueViolationError:
                raise DuplicateKeys from None
            if rejected:
                await connection.copy_records_to_table(
                    "rejected_usage", records=_rejected_rows(rejected), columns=_REJECTED_COLUMNS
                )

        return write

    async def rejected(self, tenant_id: str, after: int, limit: int) -> Sequence[RejectedEventRow]:
        with translate_errors():
            rows = await self._pool.fetch(_REJECTED, tenant_id, after, limit)
        return [_row_of(row) for row in rows]

    async def _make_months(self, months: set[date]) -> None:
        for month in sorted(months - self._months):
            with translate_errors():
                await self._pool.execute("SELECT usage_dedup_month($1)", month)
            self._months.add(month)


def _rejected_rows(rejected: Sequence[tuple[str, UsageRejected]]) -> Iterable[tuple[object, ...]]:
    """Rows of _REJECTED_COLUMNS; the last five are the fields of RejectedUsage in order."""
    for tenant_id, batch in rejected:
        for event in batch.events:
            yield (tenant_id, batch.batch_id, batch.rejected_at, *msgspec.structs.astuple(event))


def _row_of(row: asyncpg.Record) -> RejectedEventRow:
    event = RejectedUsage(
        reason=row["reason"], detail=row["detail"], id=row["event_id"], source=row["source"], body=row["body"]
    )
    return RejectedEventRow(row["number"], row["tenant_id"], row["batch_id"], row["rejected_at"], event)
