"""A consumer whose upstream context was restored to an earlier state consumes nothing, and says so."""

import pytest

from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.messaging.memory import MemoryBroker
from shared.framework.messaging.positions_ahead import UpstreamHistoryIsShort
from shared.framework.observability.metrics import metrics_page
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.messaging_harness import PARTITIONS, MessagingHarness, eventually, running
from shared.framework.testing.store_examples import EXAMPLES, TENANT


def ahead_positions() -> float:
    lines = metrics_page().decode().splitlines()
    values = [
        float(line.split()[-1]) for line in lines if line.startswith("tollhouse_consumer_ahead_positions{")
    ]
    return max(values, default=0.0)


def _partition(stream_id: str) -> int:
    return partition_of(slot_of(stream_id), PARTITIONS)


async def test_a_consumer_beyond_its_feed_stops_and_is_not_ready() -> None:
    """Fewer events are there than were consumed; new ones get the old positions and must not be skipped."""
    sleeper, clock = EventLoopSleeper(), FakeClock()
    consuming = MemoryEventStore("invoicing", clock, EXAMPLES)
    before = MessagingHarness(
        MemoryEventStore("subscriptions", clock, EXAMPLES), consuming, MemoryBroker(sleeper), sleeper
    )
    async with running(before.relay().run, before.consumer().run):
        for _ in range(5):
            await before.publish("cus_1")
        await eventually(before.is_complete)
    elsewhere = next(
        stream for stream in map("cus_{}".format, range(99)) if _partition(stream) != _partition("cus_1")
    )
    restored = MessagingHarness(
        MemoryEventStore("subscriptions", clock, EXAMPLES), consuming, MemoryBroker(sleeper), sleeper
    )
    await restored.publish("cus_1")
    consumer = restored.consumer()
    async with running(restored.relay().run, consumer.run):

        async def is_ahead() -> bool:
            return bool(consumer.ahead)

        await eventually(is_ahead)
        with pytest.raises(UpstreamHistoryIsShort, match="tollhouse reconcile"):
            await consumer.ahead.check()
        assert ahead_positions() == 4
        for _ in range(5):
            await restored.publish(elsewhere)
        await restored.publish("cus_1")
        assert consumer.ahead, "new events have passed the position: what is missing is still missing"
    again = restored.consumer()
    async with running(restored.relay().run, again.run):

        async def is_noticed() -> bool:
            return bool(again.ahead)

        await eventually(is_noticed)
    assert await restored.consuming.version(TENANT, "diary_cus_1") == 5, (
        "nothing of another history is consumed"
    )


async def test_a_consumer_at_its_feed_is_ready() -> None:
    """The usual case: the check passes."""
    sleeper, clock = EventLoopSleeper(), FakeClock()
    publishing, consuming = (
        MemoryEventStore("subscriptions", clock, EXAMPLES),
        MemoryEventStore("invoicing", clock, EXAMPLES),
    )
    harness = MessagingHarness(publishing, consuming, MemoryBroker(sleeper), sleeper)
    consumer = harness.consumer()
    async with running(harness.relay().run, consumer.run):
        await harness.publish("cus_1")
        await eventually(harness.is_complete)
        await consumer.ahead.check()
