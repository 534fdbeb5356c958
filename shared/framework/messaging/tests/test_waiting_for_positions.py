"""Who has just commanded something may wait until it has been heard here."""

import asyncio

import pytest

from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import InboxPosition
from shared.framework.messaging.memory import MemoryBroker
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.messaging_harness import PARTITIONS, MessagingHarness, running
from shared.framework.testing.store_examples import EXAMPLES

PLACE = ("subscriptions", partition_of(slot_of("cus_1"), PARTITIONS))


@pytest.fixture
def harness() -> MessagingHarness:
    clock, sleeper = FakeClock(), EventLoopSleeper()
    publishing, consuming = (
        MemoryEventStore("subscriptions", clock, EXAMPLES),
        MemoryEventStore("invoicing", clock, EXAMPLES),
    )
    return MessagingHarness(publishing, consuming, MemoryBroker(sleeper), sleeper)


async def test_it_returns_once_the_effect_is_committed(harness: MessagingHarness) -> None:
    """Not when the message has merely arrived."""
    consumer = harness.consumer()
    async with running(harness.relay().run, consumer.run):
        await harness.publish("cus_1")
        assert await consumer.wait_for_position(*PLACE, 1, timeout_s=10)
        assert await harness.is_complete()


async def test_a_replica_that_does_not_lead_sees_what_the_leader_has_done(harness: MessagingHarness) -> None:
    """It looks into the database that both share."""
    follower = harness.consumer()
    async with running(harness.relay().run, harness.consumer().run):
        await harness.publish("cus_1")
        assert await follower.wait_for_position(*PLACE, 1, timeout_s=10)


async def test_patience_ends(harness: MessagingHarness) -> None:
    """A position that does not come is told so, in time."""
    assert not await harness.consumer().wait_for_position(*PLACE, 1, timeout_s=0.15)


@pytest.mark.parametrize("context", ["payments", "nonsense"])
async def test_what_is_not_heard_is_not_waited_for(harness: MessagingHarness, context: str) -> None:
    """So a client may send every position that it was ever told to every service."""
    assert await harness.consumer().wait_for_position(context, 0, 7, timeout_s=1000)


async def test_a_partition_that_does_not_exist_is_never_reached(harness: MessagingHarness) -> None:
    """Nobody waits for it."""
    assert not await harness.consumer().wait_for_position("subscriptions", 99, 0, timeout_s=1000)


async def test_however_many_wait_the_database_is_asked_now_and_then(harness: MessagingHarness) -> None:
    """A crowd that waits on a replica must not become a load on the database that makes them wait."""
    asked = 0

    class Counting(MemoryEventStore):
        async def inbox(self, consumer: str) -> dict[tuple[str, int], InboxPosition]:
            nonlocal asked
            asked += 1
            return await super().inbox(consumer)

    harness.consuming = Counting("invoicing", FakeClock(), EXAMPLES)
    follower = harness.consumer()
    waits = (follower.wait_for_position(*PLACE, 1, timeout_s=0.35) for _ in range(50))
    assert not any(await asyncio.gather(*waits))
    assert 0 < asked <= 5
