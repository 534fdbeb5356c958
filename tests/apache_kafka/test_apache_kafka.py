import pytest
from aiokafka import AIOKafkaProducer

pytestmark = pytest.mark.apache


async def test_apache_kafka_takes_an_idempotent_producers_message(apache_kafka_bootstrap: str) -> None:
    """The memory broker cannot do it: the same code path, idempotent by configuration."""
    producer = AIOKafkaProducer(
        bootstrap_servers=apache_kafka_bootstrap,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=10_000,
    )
    await producer.start()
    try:
        sent = await producer.send_and_wait("usage-events", b"fact", partition=3)
    finally:
        await producer.stop()
    assert (sent.partition, sent.offset) == (3, 0)
