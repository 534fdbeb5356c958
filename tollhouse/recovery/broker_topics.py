"""Reads everything that a broker still has, and empties its topics."""

import asyncio
import logging

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from shared.billing.contracts import CONTRACTS, TOPICS
from shared.framework.eventstore.records import EventRecord
from shared.framework.messaging.envelope import MessageIsUnreadable, record_from_message
from shared.framework.messaging.kafka import KafkaBroker
from shared.framework.messaging.port import Subscriber
from tollhouse.servers.topics import ALL_TOPICS, PARTITIONS, ensure_topics

POLL_S = 1.0
EMPTY_POLLS = 3
"""After so many polls without a message in a row, the end is reached."""

POLL_RECORDS = 5000
REQUEST_TIMEOUT_MS = 5_000
GONE_WITHIN_S = 30.0

_log = logging.getLogger(__name__)


class BrokerIsUnavailable(Exception):
    """The broker did not do what was asked; its topics may still have messages of lost events."""


async def messages_on(bootstrap: str) -> list[EventRecord]:
    """The records in all topics of contexts. Raises BrokerFailed."""
    broker = KafkaBroker(bootstrap, idempotence=False, fetch_wait_ms=500)
    try:
        partitions = {(topic, number): None for topic in TOPICS.values() for number in range(PARTITIONS)}
        subscriber = await broker.subscriber(partitions)
        try:
            return await _read_all(subscriber)
        finally:
            await subscriber.close()
    finally:
        await broker.close()


async def _read_all(subscriber: Subscriber) -> list[EventRecord]:
    records, empty = [], 0
    while empty < EMPTY_POLLS:
        deliveries = await subscriber.poll(POLL_RECORDS, POLL_S)
        empty = 0 if deliveries else empty + 1
        for delivery in deliveries:
            try:
                records.append(record_from_message(delivery, CONTRACTS.contexts[delivery.topic]))
            except MessageIsUnreadable as error:
                _log.warning("a message is invalid", extra={"cause": str(error)})
    return records


async def empty_topics(bootstrap: str) -> None:
    """Delete all topics and create them again. Raises BrokerIsUnavailable."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        async with asyncio.timeout(GONE_WITHIN_S):
            await admin.start()
            for topic in ALL_TOPICS:
                try:
                    await admin.delete_topics([topic])
                except UnknownTopicOrPartitionError:
                    continue
            while set(await admin.list_topics()) & set(ALL_TOPICS):
                await asyncio.sleep(POLL_S / 10)
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerIsUnavailable(repr(error)) from error
    finally:
        await admin.close()
    if not await ensure_topics(bootstrap):
        raise BrokerIsUnavailable(f"no topics could be created at {bootstrap}")
