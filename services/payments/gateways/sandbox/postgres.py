"""The sandbox's books in a Postgres database of its own; nobody else's transaction ever touches them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from services.payments.gateways.sandbox.ledger import ChargeStatus, SandboxCharge, SandboxRefund
from shared.billing.money import Money

CONNECT_LIMIT_S = 5.0
COMMAND_LIMIT_S = 5.0

TABLES = """
CREATE TABLE IF NOT EXISTS sandbox_entries (
    key text PRIMARY KEY, card text NOT NULL, place int NOT NULL, step text NOT NULL,
    amount_minor bigint NOT NULL, currency text NOT NULL, status text NOT NULL,
    reference text NOT NULL UNIQUE, charged_at timestamptz NOT NULL, UNIQUE (card, place)
);
CREATE TABLE IF NOT EXISTS sandbox_refunds (
    key text PRIMARY KEY, charge_reference text NOT NULL,
    amount_minor bigint NOT NULL, currency text NOT NULL
);
"""


@asynccontextmanager
async def open_books(dsn: str) -> AsyncIterator["PostgresSandboxLedger"]:
    """Connect, and create the tables if they are not there yet."""
    pool = await asyncpg.create_pool(
        dsn, min_size=1, max_size=4, timeout=CONNECT_LIMIT_S, command_timeout=COMMAND_LIMIT_S
    )
    async with pool:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('sandbox_tables'))")
            await connection.execute(TABLES)
        yield PostgresSandboxLedger(pool)


class PostgresSandboxLedger:
    """Books that survive everybody's death."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """A pool of the sandbox's own database."""
        self._pool = pool

    async def get_or_create(
        self, key: str, card: str, begin: Callable[[int], SandboxCharge]
    ) -> tuple[SandboxCharge, bool]:
        """See SandboxLedger. One request of a card is entered at a time."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", card)
            row = await connection.fetchrow("SELECT * FROM sandbox_entries WHERE key = $1", key)
            if row is not None:
                return _entry(row), False
            count = "SELECT count(*) FROM sandbox_entries WHERE card = $1"
            entry = begin(await connection.fetchval(count, card))
            await connection.execute(
                "INSERT INTO sandbox_entries VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                *_row(entry),
            )
            return entry, True

    async def find(self, key: str) -> SandboxCharge | None:
        """See SandboxLedger."""
        row = await self._pool.fetchrow("SELECT * FROM sandbox_entries WHERE key = $1", key)
        return None if row is None else _entry(row)

    async def by_reference(self, reference: str) -> SandboxCharge | None:
        """See SandboxLedger."""
        row = await self._pool.fetchrow("SELECT * FROM sandbox_entries WHERE reference = $1", reference)
        return None if row is None else _entry(row)

    async def complete_late(self, key: str, charged_at: datetime) -> SandboxCharge:
        """See SandboxLedger."""
        row = await self._pool.fetchrow(
            "UPDATE sandbox_entries SET"
            " charged_at = CASE status WHEN 'lost' THEN $2 ELSE charged_at END,"
            " status = CASE status WHEN 'lost' THEN 'charged' ELSE status END"
            " WHERE key = $1 RETURNING *",
            key,
            charged_at,
        )
        if row is None:
            raise KeyError(key)
        return _entry(row)

    async def refund(self, refund: SandboxRefund) -> bool:
        """See SandboxLedger."""
        done = await self._pool.execute(
            "INSERT INTO sandbox_refunds VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            refund.key,
            refund.charge_reference,
            refund.amount.minor,
            refund.amount.currency,
        )
        return bool(done == "INSERT 0 1")

    async def entries(self) -> Sequence[SandboxCharge]:
        """See SandboxLedger."""
        rows = await self._pool.fetch('SELECT * FROM sandbox_entries ORDER BY key COLLATE "C"')
        return [_entry(row) for row in rows]

    async def refunds(self) -> Sequence[SandboxRefund]:
        """See SandboxLedger."""
        rows = await self._pool.fetch('SELECT * FROM sandbox_refunds ORDER BY key COLLATE "C"')
        return [
            SandboxRefund(
                key=row["key"],
                charge_reference=row["charge_reference"],
                amount=Money(row["amount_minor"], row["currency"]),
            )
            for row in rows
        ]


def _row(entry: SandboxCharge) -> tuple[object, ...]:
    return (
        entry.key,
        entry.card,
        entry.place,
        entry.step,
        entry.amount.minor,
        entry.amount.currency,
        entry.status.value,
        entry.reference,
        entry.charged_at,
    )


def _entry(row: asyncpg.Record) -> SandboxCharge:
    return SandboxCharge(
        key=row["key"],
        card=row["card"],
        place=row["place"],
        step=row["step"],
        amount=Money(row["amount_minor"], row["currency"]),
        status=ChargeStatus(row["status"]),
        reference=row["reference"],
        charged_at=row["charged_at"],
    )
