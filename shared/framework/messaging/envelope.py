"""A record as a Kafka message and back: CloudEvents binding, our own places, the bytes unchanged."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.framework.core.event import Metadata
from shared.framework.eventstore.records import EventRecord
from shared.framework.messaging.port import Delivery, Headers, Message

_metadata = msgspec.json.Decoder(Metadata)


class MessageIsUnreadable(Exception):
    """It was not written by `message_of`: whatever it said is read from the feed instead."""


def message_of(record: EventRecord, topic: str, partition: int, previous: int) -> Message:
    """The message that carries a record; `previous` is the position before it in the same partition."""
    return Message(
        topic=topic,
        partition=partition,
        key=record.stream_id.encode(),
        value=record.state,
        headers=_headers(record, previous),
    )


def record_from_message(delivery: Delivery, context: str) -> EventRecord:
    """The record of a context that a message carries. Raises MessageIsUnreadable."""
    told = dict(delivery.headers)
    try:
        return EventRecord(
            context=context,
            tenant_id=told["tenant"].decode(),
            stream_id=delivery.key.decode(),
            version=int(told["version"]),
            wire_name=told["ce_type"].decode(),
            state=delivery.value,
            position=int(told["position"]),
            slot=int(told["slot"]),
            event_id=UUID(told["ce_id"].decode()),
            metadata=_metadata.decode(told["metadata"]),
            recorded_at=datetime.fromisoformat(told["recorded_at"].decode()),
            previous=int(told["prev"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError, msgspec.MsgspecError) as error:
        place = f"{delivery.topic}/{delivery.partition}@{delivery.offset}"
        raise MessageIsUnreadable(f"{place}: {error!r}") from error


def _headers(record: EventRecord, previous: int) -> Headers:
    metadata = record.metadata
    told = {
        "ce_specversion": "1.0",
        "ce_id": str(record.event_id),
        "ce_type": record.wire_name,
        "ce_source": f"tollhouse/{record.context}",
        "ce_time": metadata.occurred_at.isoformat(),
        "tenant": record.tenant_id,
        "version": str(record.version),
        "position": str(record.position),
        "prev": str(previous),
        "slot": str(record.slot),
        "recorded_at": record.recorded_at.isoformat(),
        **({"traceparent": metadata.traceparent} if metadata.traceparent else {}),
    }
    headers = tuple((name, value.encode()) for name, value in told.items())
    return (*headers, ("metadata", msgspec.json.encode(metadata)))
