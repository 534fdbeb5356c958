"""`tollhouse verify` finds what was changed behind our back, wherever it was, and names it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from typer.testing import CliRunner

from projections.read_models.balances.projection import BALANCES
from projections.register import READ_MODELS as REGISTER
from tests.e2e.conftest import Installation, tollhouse_up
from tests.e2e.small_business import JANUARY, open_business, use
from tollhouse.cli import app
from tollhouse.cli.output import FAILED
from tollhouse.demo.playback import advance

TENANT = "small"


# What even a superuser must do first: our trigger fires always, also for replicas.
DISARM = "ALTER TABLE events DISABLE TRIGGER events_are_append_only"
ARM = "ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def business(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation with one customer who was billed and has paid; it verifies before and after."""
    with tollhouse_up(tmp_path_factory.mktemp("tampering") / "state") as installation:
        async with installation.client(TENANT) as client:
            await open_business(client)
            await advance(client, datetime(2026, 2, 1, 0, 10, tzinfo=UTC))
            await use(client, 100, JANUARY + timedelta(days=3))
            await advance(client, datetime(2026, 2, 20, tzinfo=UTC))
            await installation.settled()
        assert await verified(installation) == []
        yield installation
        assert await verified(installation) == []  # each test has undone its change


@asynccontextmanager
async def superuser(installation: Installation, name: str) -> AsyncIterator[asyncpg.Connection]:
    """Every right on one database."""
    server = urlsplit(installation.addresses.postgres_url)
    connection = await asyncpg.connect(server._replace(path=f"/tollhouse_{name}").geturl())
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def edited(
    installation: Installation, name: str, table: str, change: str, where: str
) -> AsyncIterator[asyncpg.Record]:
    """Within the block, one column of one row is changed by `column = expression`; gives the row before."""
    column = change.split(maxsplit=1)[0]
    before, after = (DISARM, ARM) if table == "events" else ("SELECT", "SELECT")
    async with superuser(installation, name) as db:
        (row,) = await db.fetch(f"SELECT * FROM {table} WHERE {where}")
        await db.execute(f"{before}; UPDATE {table} SET {change} WHERE {where}; {after}")
        try:
            yield row
        finally:
            await db.execute(before)
            await db.execute(f"UPDATE {table} SET {column} = $1 WHERE {where}", row[column])
            await db.execute(after)


@asynccontextmanager
async def removed(installation: Installation, name: str, where: str) -> AsyncIterator[asyncpg.Record]:
    """Within the block, one event is deleted; gives the event."""
    async with superuser(installation, name) as db:
        (row,) = await db.fetch(f"SELECT * FROM events WHERE {where}")
        await db.execute(f"CREATE TEMPORARY TABLE kept AS SELECT * FROM events WHERE {where}")
        await db.execute(f"{DISARM}; DELETE FROM events WHERE {where}; {ARM}")
        try:
            yield row
        finally:
            await db.execute("INSERT INTO events SELECT * FROM kept")


async def verified(installation: Installation, *, expect: int = 0) -> list[dict[str, Any]]:
    """The differences that `tollhouse verify` finds."""
    command = ["verify", "--json", "--folder", str(installation.folder)]
    done = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert done.exit_code == expect, f"{done.exit_code}\n{done.output}\n{done.exception!r}"
    report = json.loads(done.stdout)
    assert report["ok"] is (expect == 0)
    assert sum(report["events"].values()) > 20, "an audit that saw nothing proves nothing"
    differences: list[dict[str, Any]] = report["differences"]
    return differences


def named(differences: list[dict[str, Any]], where: str, what: str) -> bool:
    """Whether one of them names this place and this thing of our tenant."""
    return any(
        one["where"] == where and what in one["what"] and one["tenant_id"] == TENANT for one in differences
    )


READ_MODELS = {
    "invoices": "doc = jsonb_set(doc, '{total,minor}', '1')",
    "customers": "doc = jsonb_set(doc, '{external_id}', '\"somebody\"')",
    "payments": "doc = jsonb_set(doc, '{status}', '\"failed\"')",
    "balances": "revision = revision + 1",
    "usage": "updated_at = updated_at + interval '1 second'",
}


TABLES = {model.name: f"live.{model.table}" for model in REGISTER}


@pytest.mark.parametrize(("model", "change"), READ_MODELS.items(), ids=READ_MODELS.keys())
async def test_a_row_of_a_read_model_that_was_edited_by_hand_is_named(
    business: Installation, model: str, change: str
) -> None:
    """By its model and its id, whichever of its columns it was."""
    async with edited(business, "projections", TABLES[model], change, "true") as row:
        assert named(await verified(business, expect=FAILED), model, row["id"])


async def test_people_are_told_in_words(business: Installation) -> None:
    """Each difference in one line, untruncated, and the result last."""
    async with edited(business, "projections", TABLES["customers"], READ_MODELS["customers"], "true") as row:
        command = ["verify", "--folder", str(business.folder)]
        done = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert done.exit_code == FAILED
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"  customers: {row['id']} (tenant {TENANT}): served ")
    assert done.stdout.splitlines()[-1] == "verify: 1 difference"


async def test_a_balance_that_was_edited_in_redis_is_named(business: Installation) -> None:
    """A balance is served from the copy, which is made when the balance is read."""
    async with Redis.from_url(business.addresses.redis_url) as redis:
        keys: list[Any] = []
        async with asyncio.timeout(30):
            while (
                not keys
            ):  # each connection reaches one of the readers, and only the one that projects has copies
                async with business.client(TENANT) as client:
                    await client.graphql("{ customers { edges { node { balance { owed { minor } } } } } }")
                keys = [key async for key in redis.scan_iter(f"*:{BALANCES.table}:*")]
        (key,) = keys
        await redis.copy(key, "kept")
        document = await redis.hget(key, "document")
        assert isinstance(document, bytes)
        await redis.hset(key, mapping={b"document": document.replace(b'"paid":', b'"paid":1')})
        differences = await verified(business, expect=FAILED)
        await redis.rename("kept", key)
    assert named(differences, "cached balances", key.decode().split(f":{TENANT}:")[1])


EVENTS = {
    "subscriptions": "subscriptions.customer.registered.v1",
    "invoicing": "invoicing.invoice.finalized.v1",
    "payments": "payments.payment.succeeded.v1",
    "metering": "metering.reading.taken.v1",
    "ingest": "ingest.usage.recorded.v1",
}


@pytest.mark.parametrize(("context", "topic"), EVENTS.items(), ids=EVENTS.keys())
async def test_an_event_of_which_one_byte_was_edited_is_named(
    business: Installation, context: str, topic: str
) -> None:
    """By its context, its position and its stream, whatever its content is then."""
    flip = "state = set_byte(state, length(state) - 1, get_byte(state, length(state) - 1) # 1)"
    async with edited(business, context, "events", flip, f"topic = '{topic}'") as row:
        place = f"position {row['notification_id']}, stream {row['originator_id']}"
        assert named(await verified(business, expect=FAILED), f"events of {context}", place)


async def test_an_amount_that_was_edited_in_the_store_is_named(business: Installation) -> None:
    """A well-formed event: the invoice is as it was, but the payment has another amount."""
    less = "state = convert_to(replace(convert_from(state, 'UTF8'), '\"minor\":', '\"minor\":-'), 'UTF8')"
    topic = "topic = 'payments.payment.succeeded.v1'"
    async with edited(business, "payments", "events", less, topic) as row:
        differences = await verified(business, expect=FAILED)
        assert named(differences, "events of payments", f"position {row['notification_id']}")
        assert {"payments", "balances"} < {one["where"] for one in differences}


@pytest.mark.parametrize(("context", "topic"), EVENTS.items(), ids=EVENTS.keys())
async def test_an_event_that_is_missing_is_named(business: Installation, context: str, topic: str) -> None:
    """An event that was published once must stay in the feed."""
    async with removed(business, context, f"topic = '{topic}'") as row:
        place = f"position {row['notification_id']}, stream {row['originator_id']}"
        assert named(await verified(business, expect=FAILED), f"events of {context}", place)


async def test_a_forged_memory_of_the_read_side_is_named(business: Installation) -> None:
    """Auditors read the event archive: it is compared with the feeds."""
    where = "wire_name = 'invoicing.invoice.finalized.v1'"
    async with edited(business, "projections", "history", "tenant_id = 'other'", where) as row:
        differences = await verified(business, expect=FAILED)
        assert named(
            differences, "events of invoicing", f"position {row['position']}, stream {row['stream_id']}"
        )
