"""A Kafka-protocol broker through aiokafka; each call has a time-out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as KafkaTopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.framework.messaging.port import (
    BrokerFailed,
    Delivery,
    Message,
    Producer,
    Subscriber,
    TopicPartition,
)
from shared.framework.retry.transient import own_cancellation_only

REQUEST_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 5.0
SEND_TIMEOUT_S = 15.0
CLUSTER_ID_TIMEOUT_S = 3.0
CLOSE_TIMEOUT_S = 2.0
BATCH_BYTES = 256 * 1024
MESSAGE_BYTES_MAX = 1024 * 1024
LINGER_MS = 2


@dataclass(slots=True)
class KafkaBroker:
    """`idempotence`: the broker must support idempotent producers (the local one does not).

    `fetch_wait_ms`: how long the broker delays an empty response to a fetch. On the local broker a short wait
    stalls on long logs.
    """

    bootstrap: str
    idempotence: bool
    fetch_wait_ms: int
    _admin: Any = field(default=None, init=False)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def cluster_id(self) -> str:
        try:
            async with _limit(CLUSTER_ID_TIMEOUT_S):
                admin = await self._open_admin()
                return str((await admin.describe_cluster())["cluster_id"])
        except BrokerFailed:
            await self.close()
            raise

    async def _open_admin(self) -> Any:
        async with self._opening:  # the consumer and a scrape of the metrics may ask at once
            if self._admin is None:
                admin = AIOKafkaAdminClient(
                    bootstrap_servers=self.bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS
                )
                self._admin = await _started(admin)
            return self._admin

    async def producer(self) -> Producer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            acks="all",
            enable_idempotence=self.idempotence,
            linger_ms=LINGER_MS,
            max_batch_size=BATCH_BYTES,
            max_request_size=MESSAGE_BYTES_MAX,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        async with _limit(CONNECT_TIMEOUT_S):
            return _KafkaProducer(await _started(producer))

    async def subscriber(self, starts: Mapping[TopicPartition, int | None]) -> Subscriber:
        """Partitions are assigned explicitly: no consumer group can reassign them."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=self.fetch_wait_ms,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        async with _limit(CONNECT_TIMEOUT_S):
            await _started(consumer)
            consumer.assign([KafkaTopicPartition(*partition) for partition in starts])
            for partition, offset in starts.items():
                if offset is not None:
                    consumer.seek(KafkaTopicPartition(*partition), offset)
        return _KafkaSubscriber(consumer)

    async def close(self) -> None:
        """Close the connection that reads the cluster id."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await _close_quietly(admin.close())


class _KafkaProducer:
    def __init__(self, producer: Any) -> None:
        self._producer = producer

    async def send_batch(self, messages: Sequence[Message]) -> None:
        async with _limit(SEND_TIMEOUT_S):
            acks = [await self._send(message) for message in messages]
            await asyncio.gather(*acks)

    async def close(self) -> None:
        await _close_quietly(self._producer.stop())

    async def _send(self, message: Message) -> Awaitable[Any]:
        ack: Awaitable[Any] = await self._producer.send(
            message.topic,
            value=message.value,
            key=message.key,
            partition=message.partition,
            headers=list(message.headers),
        )
        return ack


class _KafkaSubscriber:
    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    async def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        async with _limit(wait_s + CONNECT_TIMEOUT_S):
            found = await self._consumer.getmany(timeout_ms=round(wait_s * 1000), max_records=limit)
        return [_delivery(record) for records in found.values() for record in records]

    async def close(self) -> None:
        await _close_quietly(self._consumer.stop())


def _delivery(record: Any) -> Delivery:
    return Delivery(
        record.topic,
        record.partition,
        record.offset,
        record.key or b"",
        record.value or b"",
        tuple(record.headers),
    )


async def _started(client: Any) -> Any:
    """Start a client; close it if that fails, since a half-started one keeps sockets and tasks."""
    try:
        await client.start()
    except BaseException:
        await _close_quietly(client.close() if hasattr(client, "close") else client.stop())
        raise
    return client


async def _close_quietly(closing: Awaitable[Any]) -> None:
    with contextlib.suppress(Exception), own_cancellation_only():
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await closing


@asynccontextmanager
async def _limit(seconds: float) -> AsyncIterator[None]:
    """Raise BrokerFailed after `seconds`, and for all that the client library raises, CancelledError too."""
    try:
        with own_cancellation_only():
            async with asyncio.timeout(seconds):
                yield
    except Exception as error:
        raise BrokerFailed(repr(error)) from error
