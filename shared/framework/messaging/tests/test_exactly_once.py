"""Whatever the broker does, each fact has its effect exactly once and in order."""

import asyncio
import random

import pytest

from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.messaging.memory import MemoryBroker
from shared.framework.messaging.relay import MemoryCursor
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.messaging_harness import MessagingHarness, eventually, running
from shared.framework.testing.store_examples import EXAMPLES

STREAMS = [f"cus_{number}" for number in range(12)]


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker(EventLoopSleeper())


@pytest.fixture
def harness(broker: MemoryBroker) -> MessagingHarness:
    clock = FakeClock()
    publishing, consuming = (
        MemoryEventStore("subscriptions", clock, EXAMPLES),
        MemoryEventStore("invoicing", clock, EXAMPLES),
    )
    return MessagingHarness(publishing, consuming, broker, EventLoopSleeper())


async def tell_all(harness: MessagingHarness, times: int = 5) -> None:
    for _ in range(times):
        for stream_id in STREAMS:
            await harness.publish(stream_id)
        await asyncio.sleep(0)


async def test_facts_are_heard_once_and_in_order(harness: MessagingHarness, broker: MemoryBroker) -> None:
    """The plain case, all of it through the broker."""
    async with running(harness.relay().run, harness.consumer().run):
        await tell_all(harness)
        await eventually(harness.is_complete)
    assert len(broker.sent) == 60


@pytest.mark.parametrize("seed", range(8))
async def test_loss_doubles_death_and_amnesia_change_nothing(harness: MessagingHarness, seed: int) -> None:
    """A broker that drops a fifth, doubles a fifth, dies and forgets everything, at seeded moments."""
    fate = random.Random(seed)
    harness.broker = broker = MemoryBroker(EventLoopSleeper(), drop=0.2, double=0.2, chance=fate.random)
    relay, consumer = harness.relay(), harness.consumer()
    async with running(relay.run, consumer.run):
        for _ in range(12):
            await tell_all(harness, times=2)
            relay.wake.set()
            random_blow(fate, broker)
            await asyncio.sleep(fate.random() / 50)
        broker.start()
        await eventually(harness.is_complete)


async def test_a_broker_that_never_comes_changes_nothing_but_the_road(
    harness: MessagingHarness, broker: MemoryBroker
) -> None:
    """The sweeper reads the feeds instead."""
    broker.stop()
    async with running(harness.relay().run, harness.consumer().run):
        await tell_all(harness)
        await eventually(harness.is_complete)
    assert broker.sent == []


async def test_a_silent_broker_is_noticed_by_the_sweeper(
    harness: MessagingHarness, broker: MemoryBroker
) -> None:
    """All was acknowledged, nothing arrives, and no later message shows the hole."""
    broker.drop = 2.0
    async with running(harness.relay().run, harness.consumer().run):
        await tell_all(harness)
        await eventually(harness.is_complete)


async def test_a_new_consumer_of_an_empty_broker_reads_the_past_from_the_feed(
    harness: MessagingHarness, broker: MemoryBroker
) -> None:
    """The first message tells of what lies before it."""
    async with running(harness.relay().run):
        await tell_all(harness)
        await eventually(lambda: sent(broker, 60))
    broker.lose_all_messages()
    async with running(harness.relay().run, harness.consumer().run):
        await tell_all(harness, times=1)
        await eventually(harness.is_complete)


async def test_a_broker_that_came_back_empty_is_read_from_its_beginning(
    harness: MessagingHarness, broker: MemoryBroker
) -> None:
    """Offsets of its former life lie beyond its end, where there is only silence; no sweep helps here."""
    consumer = harness.consumer()
    consumer.sweep_interval_s = 1000
    async with running(harness.relay().run, consumer.run):
        await tell_all(harness)
        await eventually(harness.is_complete)
        broker.lose_all_messages()
        await tell_all(harness, times=1)
        await eventually(harness.is_complete)


async def test_two_relays_and_two_consumers_are_no_more_than_one(
    harness: MessagingHarness, broker: MemoryBroker
) -> None:
    """One leads; when it is deposed the other goes on where the first had come to."""
    harness.leadership = leadership = MemoryLeadership()
    loops = [harness.relay().run, harness.relay().run, harness.consumer().run, harness.consumer().run]
    async with running(*loops):
        for name in ("relay:subscriptions", "consumer:invoicing") * 3:
            await tell_all(harness, times=1)
            await eventually(harness.is_complete)
            leadership.revoke(name)
    assert len(broker.sent) >= 72


async def test_leaders_who_do_not_know_of_one_another_do_no_harm(harness: MessagingHarness) -> None:
    """Both relay and both consume, as after a lost connection: compare-and-set lets one of them through."""
    relays, consumers = [], []
    for _ in range(2):
        harness.leadership = MemoryLeadership()
        relays.append(harness.relay())
        consumers.append(harness.consumer())
    async with running(*(relay.run for relay in relays), *(consumer.run for consumer in consumers)):
        for _ in range(10):
            await tell_all(harness, times=1)
            for relay in relays:
                relay.wake.set()
            await asyncio.sleep(0.01)
        await eventually(harness.is_complete)


async def test_a_consumer_that_starts_again_goes_on_from_its_mark(
    harness: MessagingHarness, broker: MemoryBroker
) -> None:
    """It neither hears the past again nor misses what came meanwhile."""
    async with running(harness.relay().run, harness.consumer().run):
        await tell_all(harness)
        await eventually(harness.is_complete)
    async with running(harness.relay().run):
        await tell_all(harness)
        await eventually(lambda: sent(broker, 120))
    async with running(harness.consumer().run):
        await eventually(harness.is_complete)


async def test_what_is_too_large_for_the_broker_comes_by_the_feed(
    harness: MessagingHarness, broker: MemoryBroker
) -> None:
    """It would stop the relay for ever; so it is left out, and leaves a hole that shows."""
    async with running(harness.relay().run, harness.consumer().run):
        await harness.publish("cus_1", "a")
        await harness.publish("cus_1", "x" * 1_000_000)
        await harness.publish("cus_1", "c")
        await eventually(harness.is_complete)
    assert len(broker.sent) == 2


async def test_a_resend_says_the_same_as_the_first_send(
    harness: MessagingHarness, broker: MemoryBroker
) -> None:
    """A relay that died before its cursor moved sends again, with the same `prev` in every message."""
    async with running(harness.relay().run):
        await tell_all(harness)
        await eventually(lambda: sent(broker, 60))
    first = list(broker.sent)
    broker.sent.clear()
    harness.cursor = MemoryCursor()
    await harness.cursor.advance(0, 7)
    async with running(harness.relay().run):
        await eventually(lambda: sent(broker, 53))
    assert broker.sent == first[7:]


async def sent(broker: MemoryBroker, count: int) -> bool:
    return len(broker.sent) == count


def random_blow(fate: random.Random, broker: MemoryBroker) -> None:
    """Something happens to the broker, or nothing."""
    match fate.randrange(4):
        case 0:
            broker.stop()
        case 1:
            broker.start()
        case 2:
            broker.lose_all_messages()
