"""What cannot be handled is set aside with all that follows in its stream; the rest goes on."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import StoreIsUnavailable, VersionConflict
from shared.framework.eventstore.records import ChangeSet, CommitReceipt, EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork
from shared.framework.messaging.dead_letters import replay_dead_letters
from shared.framework.messaging.memory import MemoryBroker
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.messaging_harness import MessagingHarness, eventually, running
from shared.framework.testing.store_examples import EXAMPLES, TENANT, registered


class RestlessStore(MemoryEventStore):
    """Loses its connection a few times, and large commits to others' small ones."""

    outages = 0
    largest = 1000

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        if self.outages > 0 and changes.inbox:
            self.outages -= 1
            raise StoreIsUnavailable("away")
        if changes.inbox and len(changes.appends) > self.largest:
            raise VersionConflict("one of them has grown")
        return await super().commit(changes)


@pytest.fixture
def harness() -> MessagingHarness:
    clock, sleeper = FakeClock(), EventLoopSleeper()
    publishing, consuming = (
        MemoryEventStore("subscriptions", clock, EXAMPLES),
        RestlessStore("invoicing", clock, EXAMPLES),
    )
    return MessagingHarness(publishing, consuming, MemoryBroker(sleeper), sleeper, refused={"poison"})


async def letters(harness: MessagingHarness) -> list[tuple[str, int, str]]:
    parked = await harness.consuming.dead_letters("invoicing")
    return [(letter.record.stream_id, letter.record.version, letter.cause[:10]) for letter in parked]


async def tell_poison(harness: MessagingHarness) -> None:
    """Stream `bad`: fine, poisonous, fine; stream `good`: fine twice."""
    for stream_id, name in [("bad", "a"), ("good", "b"), ("bad", "poison"), ("good", "c"), ("bad", "d")]:
        await harness.publish(stream_id, name)


async def test_a_poisonous_message_is_parked_and_its_stream_waits(harness: MessagingHarness) -> None:
    """Its cause is kept; other streams of the partition do not notice."""
    async with running(harness.relay().run, harness.consumer().run):
        await tell_poison(harness)
        await eventually(lambda: holds(harness, 2))
        assert await harness.journal() == {"bad": [1], "good": [1, 2]}
        await harness.publish("bad", "e")
        await eventually(lambda: holds(harness, 3))
    assert await letters(harness) == [
        ("bad", 2, "ValueError"),
        ("bad", 3, "waits behi"),
        ("bad", 4, "waits behi"),
    ]


async def test_the_dlq_topic_has_a_copy_with_the_cause(harness: MessagingHarness) -> None:
    """For whoever watches the broker; what merely waits behind is not there."""
    async with running(harness.relay().run, harness.consumer().run):
        await tell_poison(harness)
        await eventually(lambda: holds(harness, 2))
        assert isinstance(harness.broker, MemoryBroker)
        [copy] = [m for m in harness.broker.sent if m.topic == "subscriptions-events.dlq"]
    assert dict(copy.headers)["dlq_cause"] == b"ValueError('cannot take bad version 2')"


async def test_a_replay_handles_them_in_order_and_frees_the_stream(harness: MessagingHarness) -> None:
    """Once the cause is gone, what waited is handled, and what comes later goes straight through."""
    consumer = harness.consumer()
    async with running(harness.relay().run, consumer.run):
        await tell_poison(harness)
        await eventually(lambda: holds(harness, 2))
        harness.refused.clear()
        assert (await consumer.replay_dead_letters()).handled == 2
        await harness.publish("bad", "e")
        await eventually(harness.is_complete)
    assert await letters(harness) == []


async def test_a_replay_that_fails_again_keeps_the_order(harness: MessagingHarness) -> None:
    """Nothing overtakes the letter that still cannot be handled."""
    consumer = harness.consumer()
    async with running(harness.relay().run, consumer.run):
        await tell_poison(harness)
        await eventually(lambda: holds(harness, 2))
        replay = await consumer.replay_dead_letters()
    assert replay.handled == 0
    assert [letter.record.version for letter in replay.failing] == [2]
    assert await harness.journal() == {"bad": [1], "good": [1, 2]}


async def test_two_replays_at_once_handle_each_letter_once(harness: MessagingHarness) -> None:
    """Neither an impatient operator nor a lost lease may double an effect."""
    async with running(harness.relay().run, harness.consumer().run):
        await tell_poison(harness)
        await eventually(lambda: holds(harness, 2))
    harness.refused.clear()

    async def slowly(unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        await asyncio.sleep(0.01)  # both have read the letter before either has handled it
        session = unit.session(records[0].tenant_id, records[0].metadata)
        session.append(f"effect_{len(effects)}", 0, [registered()])
        effects.append(records[0].version)

    effects: list[int] = []
    replays = [replay_dead_letters(harness.consuming, "invoicing", slowly) for _ in range(2)]
    assert sum(replay.handled for replay in await asyncio.gather(*replays)) == 2
    written = [await harness.consuming.version(TENANT, f"effect_{n}") for n in range(len(effects))]
    assert sum(written) == 2
    assert await letters(harness) == []


async def test_what_was_parked_during_a_replay_is_replayed_too(harness: MessagingHarness) -> None:
    """The consumer saw the stream waiting and put one more behind it, while the replay was at its last."""
    consumer = harness.consumer()
    async with running(harness.relay().run, consumer.run):
        await tell_poison(harness)
        await eventually(lambda: holds(harness, 2))
        harness.refused.clear()

        async def and_one_more(unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
            if records[0].version == 3:
                await harness.publish("bad", "e")
                await eventually(lambda: waits(harness, 4))
            await harness.write_journal(unit, records)

        await replay_dead_letters(harness.consuming, "invoicing", and_one_more)
        await eventually(harness.is_complete)
    assert await letters(harness) == []


async def test_a_restarted_consumer_remembers_which_streams_wait(harness: MessagingHarness) -> None:
    """The dead letters are in the database, not in the process."""
    async with running(harness.relay().run, harness.consumer().run):
        await tell_poison(harness)
        await eventually(lambda: holds(harness, 2))
    harness.refused.clear()
    async with running(harness.relay().run, harness.consumer().run):
        await harness.publish("bad", "e")
        await eventually(lambda: holds(harness, 3))
    assert (await harness.journal())["bad"] == [1]


async def test_an_outage_of_the_database_parks_nothing(harness: MessagingHarness) -> None:
    """The message is not to blame: it is tried again until the store is back, however long that takes."""
    store = harness.consuming
    assert isinstance(store, RestlessStore)
    store.outages = 6
    async with running(harness.relay().run, harness.consumer().run):
        await harness.publish("good")
        await eventually(harness.is_complete)
    assert store.outages == 0
    assert await letters(harness) == []


async def test_a_batch_that_cannot_win_its_streams_is_taken_in_pieces(harness: MessagingHarness) -> None:
    """Commands keep changing one stream or another of it; of a single message hardly ever the one."""
    store = harness.consuming
    assert isinstance(store, RestlessStore)
    store.largest = 1
    async with running(harness.relay().run):
        for number in range(20):
            await harness.publish(f"cus_{number}")
        await eventually(lambda: sent(harness, 20))
    async with running(harness.consumer().run):
        await eventually(harness.is_complete)
    assert await letters(harness) == []


async def sent(harness: MessagingHarness, count: int) -> bool:
    assert isinstance(harness.broker, MemoryBroker)
    return len(harness.broker.sent) == count


async def waits(harness: MessagingHarness, version: int) -> bool:
    return version in [version for _, version, _ in await letters(harness)]


async def holds(harness: MessagingHarness, count: int) -> bool:
    return len(await letters(harness)) == count
