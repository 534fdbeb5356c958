"""A broker that answers slowly or never, and a client library that cancels its own requests."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.messaging import kafka
from shared.framework.messaging.consumer import BrokerConnection
from shared.framework.messaging.inbox import Inbox
from shared.framework.messaging.kafka import KafkaBroker
from shared.framework.messaging.port import BrokerFailed
from shared.framework.process.system import EventLoopSleeper
from shared.framework.retry.backoff import restart_with_backoff
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.messaging_harness import MessagingHarness, eventually, running
from shared.framework.testing.store_examples import EXAMPLES

LIMITS = ("CONNECT_TIMEOUT_S", "SEND_TIMEOUT_S", "CLUSTER_ID_TIMEOUT_S", "CLOSE_TIMEOUT_S")


@pytest.fixture
async def stalled_broker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KafkaBroker]:
    """A server that takes connections and requests, and never answers; the limits are 50 ms."""
    for limit in LIMITS:
        monkeypatch.setattr(kafka, limit, 0.05)

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        broker = KafkaBroker(f"127.0.0.1:{port}", idempotence=False, fetch_wait_ms=50)
        yield broker
        await broker.close()


class CancelsItself:
    """A client of which every call ends with CancelledError, as aiokafka's do when it drops a connection."""

    async def getmany(self, **_: Any) -> Any:
        raise asyncio.CancelledError

    stop = getmany


async def test_every_call_to_a_broker_that_never_answers_fails_within_its_limit(
    stalled_broker: KafkaBroker,
) -> None:
    """BrokerFailed is what the loops start again after."""
    async with asyncio.timeout(5):
        for call in (stalled_broker.cluster_id(), stalled_broker.producer(), stalled_broker.subscriber({})):
            with pytest.raises(BrokerFailed):
                await call


async def test_events_arrive_by_the_feed_while_the_broker_stalls(stalled_broker: KafkaBroker) -> None:
    """Consumer and relay keep running, and nothing is lost."""
    publishing = MemoryEventStore("subscriptions", FakeClock(), EXAMPLES)
    consuming = MemoryEventStore("invoicing", FakeClock(), EXAMPLES)
    harness = MessagingHarness(publishing, consuming, stalled_broker, EventLoopSleeper())
    async with running(harness.relay().run, harness.consumer().run):
        for _ in range(3):
            await harness.publish("cus_1")
            await eventually(harness.is_complete, within_s=20)


async def test_what_the_client_library_cancels_is_a_failure_of_the_broker() -> None:
    """Not a cancellation of the loop, which would end it, and with it the process."""
    subscriber = kafka._KafkaSubscriber(CancelsItself())
    with pytest.raises(BrokerFailed):
        await subscriber.poll(10, 0.01)
    await subscriber.close()


class Cancelling(KafkaBroker):
    """A broker whose subscribers cancel themselves."""

    async def cluster_id(self) -> str:
        return "cluster"

    async def subscriber(self, _: Any) -> Any:
        return kafka._KafkaSubscriber(CancelsItself())


async def test_a_connection_that_cancels_itself_is_opened_again() -> None:
    """Polling answers with nothing, time after time."""
    store = MemoryEventStore("invoicing", FakeClock(), EXAMPLES)
    broker = Cancelling("127.0.0.1:1", idempotence=False, fetch_wait_ms=50)
    inbox = Inbox(store, "invoicing", [("subscriptions-events", 0)])
    connection = BrokerConnection(broker, inbox, EventLoopSleeper())
    assert [await connection.poll(1) for _ in range(3)] == [(), (), ()]


async def test_only_the_loop_whose_work_was_cancelled_starts_again() -> None:
    """Whatever it was that cancelled it; a real cancellation still ends it."""
    calls: list[int] = []

    async def work() -> None:
        calls.append(len(calls))
        if len(calls) < 3:
            raise asyncio.CancelledError
        await asyncio.Event().wait()

    async def three_calls() -> bool:
        return len(calls) == 3

    loop = asyncio.create_task(restart_with_backoff("work", work, EventLoopSleeper()))
    await eventually(three_calls)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
