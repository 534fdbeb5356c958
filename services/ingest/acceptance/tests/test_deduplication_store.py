"""What every usage log promises, in memory and on Postgres."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import asyncpg
import pytest

from services.ingest.acceptance.handlers import Submission, UsageAcceptance
from services.ingest.acceptance.ports import DeduplicationStore, DuplicateKeys
from services.ingest.acceptance.postgres import PostgresDeduplicationStore
from services.ingest.conftest import Stores
from services.ingest.events.deduplication import DeduplicationKey
from services.ingest.formats.cloudevents_json import read_batch
from services.ingest.tests.usage_events import NOON, body, event
from shared.billing.contracts.ingest.rejected_events import RejectedUsage, UsageRejected
from shared.framework.eventstore.ports import StoreIsUnavailable
from shared.framework.eventstore.records import ChangeSet
from shared.framework.testing.fakes import FakeClock, SequentialIds

DAY = date(2026, 3, 1)


def identity(number: int, day: date = DAY) -> DeduplicationKey:
    return (day, number.to_bytes(16, "big"))


async def write(
    stores: Stores, accepted: dict[DeduplicationKey, int], *rejected: tuple[str, UsageRejected]
) -> None:
    await stores.store.commit(
        ChangeSet(side_writes=[await stores.deduplication.store_write(accepted, rejected)])
    )


async def test_what_was_accepted_is_seen_with_its_fingerprint(stores: Stores) -> None:
    """Only the asked ones are told, and the fingerprint uses all 64 bits."""
    await write(stores, {identity(1): 2**63 - 1, identity(2): -(2**63), identity(3): 0})
    asked = {identity(2), identity(3), identity(4), identity(1, DAY + timedelta(days=1))}
    assert await stores.deduplication.known(asked) == {identity(2): -(2**63), identity(3): 0}
    assert await stores.deduplication.known([]) == {}


async def test_the_same_identity_is_never_written_twice(stores: Stores) -> None:
    """And what came with it in the transaction is not written either."""
    await write(stores, {identity(1): 1})
    with pytest.raises(DuplicateKeys):
        await write(stores, {identity(2): 2, identity(1): 1})
    assert await stores.deduplication.known([identity(1), identity(2)]) == {identity(1): 1}


async def test_days_far_apart_have_their_own_place(stores: Stores) -> None:
    """Twenty years of backfill are as welcome as today."""
    days = [date(2006, 3, 1), date(2013, 1, 31), date(2013, 2, 1), date(2026, 12, 31)]
    accepted = {identity(1, day): number for number, day in enumerate(days)}
    await write(stores, accepted)
    assert await stores.deduplication.known(accepted) == accepted


async def test_rejected_events_are_listed_oldest_first_page_by_page(stores: Stores) -> None:
    """Per tenant, with everything that was kept of them."""
    events = tuple(RejectedUsage(reason="r", detail=str(n), id=None, source="s", body="{}") for n in range(5))
    await write(
        stores,
        {},
        ("nyc", UsageRejected(batch_id="ur_1", rejected_at=NOON, events=events)),
        ("bos", UsageRejected(batch_id="ur_2", rejected_at=NOON, events=events[:1])),
    )
    first = await stores.deduplication.rejected("nyc", 0, 3)
    rest = await stores.deduplication.rejected("nyc", first[-1].number, 3)
    assert [row.event for row in (*first, *rest)] == list(events)
    assert {(row.tenant_id, row.batch_id, row.rejected_at) for row in first} == {("nyc", "ur_1", NOON)}


async def test_two_writers_together_count_each_event_once(stores: Stores) -> None:
    """A second process that has not died yet is no danger: the database decides."""
    clock, ids = FakeClock(NOON), SequentialIds()
    writers = [
        UsageAcceptance(stores.store, stores.deduplication, stores.metered_types, clock, ids, partitions=4)
        for _ in range(2)
    ]
    events = [event(id=f"e{n}") for n in range(30)]
    accepted = duplicates = 0
    for round_ in range(4):
        for number, writer in enumerate(writers):
            some = events[round_ * 5 : round_ * 5 + 10 + number]
            (result,) = await writer.accept(
                [Submission("nyc", "agent", "req", None, read_batch(body(*some)), 1)]
            )
            accepted += result.accepted
            duplicates += result.duplicates
    assert accepted == len({one["id"] for round_ in range(4) for one in events[round_ * 5 : round_ * 5 + 11]})
    assert accepted + duplicates == 4 * (10 + 11)


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.known([identity(1)]),
        lambda store: store.store_write({identity(1): 1}, []),
        lambda store: store.rejected("nyc", 0, 1),
    ],
)
async def test_a_database_that_is_away_is_said_to_be(
    pool: "asyncpg.Pool[asyncpg.Record]", call: Callable[[DeduplicationStore], Awaitable[object]]
) -> None:
    """A refusal that every transport knows (503, try again), and no error of the driver's own (500)."""
    pool.terminate()
    with pytest.raises(StoreIsUnavailable):
        await call(PostgresDeduplicationStore(pool))


async def test_the_service_cannot_rewrite_what_was_counted(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """Its role may add and read; whoever breaks in cannot make an event count again."""
    for statement in (
        "DELETE FROM usage_dedup",
        "UPDATE rejected_usage SET body = ''",
        "TRUNCATE usage_dedup",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
