"""The sandbox's ledger in a Postgres database of its own, outside the transactions of payments."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

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
COMPLETE_LATE = (
    "UPDATE sandbox_entries SET status = 'charged', charged_at = $2 WHERE key = $1 AND status = 'lost'"
)


@asynccontextmanager
async def open_ledger(dsn: str) -> AsyncIterator["PostgresSandboxLedger"]:
    """The ledger of the database `dsn`; its tables are created if they are missing."""
    pool = await asyncpg.create_pool(
        dsn, min_size=1, max_size=4, timeout=CONNECT_LIMIT_S, command_timeout=COMMAND_LIMIT_S
    )
    async with pool:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('sandbox_tables'))")
            await connection.execute(TABLES)
        yield PostgresSandboxLedger(pool)


class PostgresSandboxLedger:
    """PostgreSQL implementation."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """A ledger over a pool of the sandbox's own database."""
        self._pool = pool

    async def get_or_create(
        self, key: str, card: str, create: Callable[[int], SandboxCharge]
    ) -> tuple[SandboxCharge, bool]:
        """See SandboxLedger. A lock admits one new charge of a card at a time."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", card)
            row = await connection.fetchrow("SELECT * FROM sandbox_entries WHERE key = $1", key)
            if row is not None:
                return _charge(row), False
            count = "SELECT count(*) FROM sandbox_entries WHERE card = $1"
            charge = create(await connection.fetchval(count, card))
            await connection.execute(
                "INSERT INTO sandbox_entries VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", *_row(charge)
            )
            return charge, True

    async def find(self, key_or_reference: str) -> SandboxCharge | None:
        """See SandboxLedger."""
        query = "SELECT * FROM sandbox_entries WHERE key = $1 OR reference = $1"
        row = await self._pool.fetchrow(query, key_or_reference)
        return None if row is None else _charge(row)

    async def complete_late(self, key: str, charged_at: datetime) -> None:
        """See SandboxLedger."""
        await self._pool.execute(COMPLETE_LATE, key, charged_at)

    async def refund(self, refund: SandboxRefund) -> bool:
        """See SandboxLedger."""
        query = "INSERT INTO sandbox_refunds VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
        values = (refund.key, refund.charge_reference, refund.amount.minor, refund.amount.currency)
        done = await self._pool.execute(query, *values)
        return bool(done == "INSERT 0 1")

    async def charges(self) -> Sequence[SandboxCharge]:
        """See SandboxLedger."""
        rows = await self._pool.fetch('SELECT * FROM sandbox_entries ORDER BY key COLLATE "C"')
        return [_charge(row) for row in rows]

    async def refunds(self) -> Sequence[SandboxRefund]:
        """See SandboxLedger."""
        rows = await self._pool.fetch('SELECT * FROM sandbox_refunds ORDER BY key COLLATE "C"')
        return [SandboxRefund(amount=_amount(row), **_same(row, "key", "charge_reference")) for row in rows]


def _row(charge: SandboxCharge) -> tuple[object, ...]:
    amount, status = charge.amount, charge.status.value
    named = (charge.key, charge.card, charge.index, charge.step)
    return (*named, amount.minor, amount.currency, status, charge.reference, charge.charged_at)


def _charge(row: asyncpg.Record) -> SandboxCharge:
    status, same = ChargeStatus(row["status"]), _same(row, "key", "card", "step", "reference", "charged_at")
    return SandboxCharge(index=row["place"], amount=_amount(row), status=status, **same)


def _amount(row: asyncpg.Record) -> Money:
    return Money(row["amount_minor"], row["currency"])


def _same(row: asyncpg.Record, *columns: str) -> dict[str, Any]:
    """The columns that are fields of the same names."""
    return {column: row[column] for column in columns}
