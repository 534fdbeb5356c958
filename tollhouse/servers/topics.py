"""Topics of an installation, created before any client uses them."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from shared.billing.contracts import TOPICS

# Per context a topic of events, and one of messages that could not be handled.
ALL_TOPICS = (*TOPICS.values(), *(f"{topic}.dlq" for topic in TOPICS.values()))

# The number that the local broker uses for a topic that a client creates by accident after a restart.
PARTITIONS = 4


async def ensure_topics(bootstrap: str, topics: Sequence[str] = ALL_TOPICS) -> bool:
    """Create missing topics. Returns False if the broker does not answer."""
    if not await _port_is_open(bootstrap):
        return False  # checked first, because aiokafka logs an error at every refused connection
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        async with asyncio.timeout(8):
            await admin.start()
            await _create(admin, topics)
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
    return True


async def _port_is_open(bootstrap: str) -> bool:
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(host, int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> None:
    missing = sorted(set(topics) - set(await admin.list_topics()))
    if not missing:
        return
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in missing])
    except TopicAlreadyExistsError:
        return  # created by another process in the meantime
