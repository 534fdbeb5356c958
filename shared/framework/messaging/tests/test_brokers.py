"""One suite for every broker: memory, the one behind `kafka_bootstrap`, Apache Kafka where it can run."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.framework.messaging.kafka import KafkaBroker
from shared.framework.messaging.memory import MemoryBroker
from shared.framework.messaging.port import BrokerFailed
from shared.framework.messaging.tests.broker_contract import BrokerContract
from shared.framework.process.system import EventLoopSleeper


async def new_topic(bootstrap: str) -> str:
    name = f"test-{secrets.token_hex(6)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=4, replication_factor=1)])
    await admin.close()
    return name


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    def broker(self) -> MemoryBroker:
        return MemoryBroker(EventLoopSleeper())

    @pytest.fixture
    def topic(self) -> str:
        return "test"


class TestLocalBroker(BrokerContract):
    """Tansu, or the broker that TOLLHOUSE_KAFKA_BOOTSTRAP names."""

    @pytest_asyncio.fixture
    async def broker(self, kafka_bootstrap: str) -> AsyncIterator[KafkaBroker]:
        broker = KafkaBroker(kafka_bootstrap, idempotence=False, fetch_wait_ms=50)
        yield broker
        await broker.close()

    @pytest_asyncio.fixture
    async def topic(self, kafka_bootstrap: str) -> str:
        return await new_topic(kafka_bootstrap)


@pytest.mark.apache
class TestApacheKafka(BrokerContract):
    @pytest_asyncio.fixture
    async def broker(self, apache_kafka_bootstrap: str) -> AsyncIterator[KafkaBroker]:
        broker = KafkaBroker(apache_kafka_bootstrap, idempotence=True, fetch_wait_ms=50)
        yield broker
        await broker.close()

    @pytest_asyncio.fixture
    async def topic(self, apache_kafka_bootstrap: str) -> str:
        return await new_topic(apache_kafka_bootstrap)


async def test_a_broker_that_is_not_there_is_a_failure_and_not_a_wait() -> None:
    """Every call ends in BrokerFailed within its limit; nothing of the client is left running."""
    broker = KafkaBroker("127.0.0.1:1", idempotence=False, fetch_wait_ms=50)
    for attempt in (broker.cluster_id, broker.producer, lambda: broker.subscriber({("test", 0): None})):
        with pytest.raises(BrokerFailed):
            await attempt()
