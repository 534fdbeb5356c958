"""What the relay writes is what the consumer reads, and tools that know CloudEvents can read it too."""

from dataclasses import replace

import msgspec
import pytest

from shared.framework.core.event import Metadata
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import Append, ChangeSet, EventRecord
from shared.framework.messaging.envelope import MessageIsUnreadable, message_of, record_from_message
from shared.framework.messaging.port import Delivery, Message
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.store_examples import EXAMPLES, METADATA, TENANT, registered

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TOPIC = "subscriptions-events"


async def written(metadata: Metadata = METADATA) -> EventRecord:
    store = MemoryEventStore("subscriptions", FakeClock(), EXAMPLES)
    await store.commit(ChangeSet(appends=[Append(TENANT, "cus_1", 0, (registered("Zoë"),), metadata)]))
    [record] = await store.read_stable(0, 1)
    return record


def delivered(message: Message) -> Delivery:
    return Delivery(message.topic, message.partition, 7, message.key, message.value, message.headers)


async def test_a_record_survives_the_journey_whole() -> None:
    """Every field comes back, and `previous` is what the relay said."""
    record = await written(msgspec.structs.replace(METADATA, traceparent=TRACE, test_clock=True))
    assert record_from_message(delivered(message_of(record, TOPIC, 3, 41)), "subscriptions") == replace(
        record, previous=41
    )


async def test_headers_follow_the_cloud_events_binding() -> None:
    """The bytes of the event are the body, unchanged; the context attributes are headers."""
    record = await written(msgspec.structs.replace(METADATA, traceparent=TRACE))
    message = message_of(record, TOPIC, 3, 0)
    told = {name: value.decode() for name, value in message.headers}
    assert (message.topic, message.key, message.value) == (TOPIC, b"cus_1", record.state)
    assert told["ce_type"] == "subscriptions.note.taken.v1"
    assert (told["ce_specversion"], told["ce_source"]) == ("1.0", "tollhouse/subscriptions")
    assert (told["ce_id"], told["traceparent"], told["tenant"]) == (str(record.event_id), TRACE, TENANT)
    assert told["ce_time"] == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize("lost", ["ce_id", "ce_type", "position", "prev", "metadata", "tenant"])
async def test_a_message_of_somebody_else_is_unreadable(lost: str) -> None:
    """It is refused as a whole, never half understood."""
    delivery = delivered(message_of(await written(), TOPIC, 0, 0))
    headers = tuple((name, value) for name, value in delivery.headers if name != lost)
    with pytest.raises(MessageIsUnreadable):
        record_from_message(replace(delivery, headers=headers), "subscriptions")


@pytest.mark.parametrize("name", ["ce_id", "position", "metadata", "tenant"])
async def test_a_header_without_a_value_is_unreadable(name: str) -> None:
    """The protocol allows a null there; it must not stop a consumer, which would meet it at every start."""
    delivery = delivered(message_of(await written(), TOPIC, 0, 0))
    headers = tuple((known, None if known == name else value) for known, value in delivery.headers)
    with pytest.raises(MessageIsUnreadable):
        record_from_message(replace(delivery, headers=headers), "subscriptions")  # type: ignore[arg-type]
