"""A broker that outlived the databases: what it still has is read, and its topics are emptied."""

from pathlib import Path
from uuid import UUID

import pytest

from shared.billing.contracts import TOPICS
from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.records import EventRecord
from shared.framework.messaging.envelope import message_of
from shared.framework.messaging.kafka import KafkaBroker
from shared.framework.testing.store_examples import METADATA
from tollhouse.installation_state import InstallationState
from tollhouse.recovery.broker_topics import BrokerIsUnavailable, empty_topics, messages_on
from tollhouse.servers.tansu import local_tansu
from tollhouse.servers.topics import PARTITIONS
from tollhouse.supervised_process import supervised


def record(context: str, number: int) -> EventRecord:
    stream = f"{context}_{number}"
    return EventRecord(
        context=context,
        tenant_id="t",
        stream_id=stream,
        version=1,
        wire_name="x.y.v1",
        state=b"{}",
        position=number,
        slot=slot_of(stream),
        event_id=UUID(int=number),
        metadata=METADATA,
        recorded_at=METADATA.occurred_at,
    )


@pytest.mark.timeout(60)
async def test_what_a_broker_has_is_read_and_then_it_is_empty(tmp_path: Path) -> None:
    """Messages of every topic, whole; afterwards the topics are there and have none."""
    bootstrap, program = local_tansu(InstallationState(tmp_path))
    sent = [record(context, number) for context in TOPICS for number in (1, 2)]
    async with supervised([program]):
        broker = KafkaBroker(bootstrap, idempotence=False, fetch_wait_ms=50)
        producer = await broker.producer()
        await producer.send_batch(
            [message_of(one, TOPICS[one.context], partition_of(one.slot, PARTITIONS), 0) for one in sent]
        )
        await producer.close()
        found = await messages_on(bootstrap)
        assert {(one.context, one.position) for one in found} == {(one.context, one.position) for one in sent}
        assert min(found, key=lambda one: (one.context, one.position)) == record("ingest", 1)
        await empty_topics(bootstrap)
        assert await messages_on(bootstrap) == []
        await broker.close()


async def test_a_broker_that_does_not_answer_is_said_to_be_so() -> None:
    """Its topics may still have messages of lost events."""
    with pytest.raises(BrokerIsUnavailable):
        await empty_topics("127.0.0.1:9")
