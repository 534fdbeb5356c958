"""An event record as a message and back: headers of the CloudEvents Kafka binding and of our own."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.framework.core.event import Metadata
from shared.framework.eventstore.records import EventRecord
from shared.framework.messaging.port import Delivery, Headers, Message

_metadata = msgspec.json.Decoder(Metadata)


class MessageIsUnreadable(Exception):
    """A message was not written by `message_of`; the consumer reads the feed instead."""


def message_of(record: EventRecord, topic: str, partition: int, previous: int) -> Message:
    """The message of a record; `previous` is the previous position in the same partition (0: none)."""
    return Message(
        topic=topic,
        partition=partition,
        key=record.stream_id.encode(),
        value=record.state,
        headers=_headers(record, previous),
    )


def record_from_message(delivery: Delivery, context: str) -> EventRecord:
    """The record of this context in a message. Raises MessageIsUnreadable."""
    headers = dict(delivery.headers)
    try:
        return EventRecord(
            context=context,
            tenant_id=headers["tenant"].decode(),
            stream_id=delivery.key.decode(),
            version=int(headers["version"]),
            wire_name=headers["ce_type"].decode(),
            state=delivery.value,
            position=int(headers["position"]),
            slot=int(headers["slot"]),
            event_id=UUID(headers["ce_id"].decode()),
            metadata=_metadata.decode(headers["metadata"]),
            recorded_at=datetime.fromisoformat(headers["recorded_at"].decode()),
            previous=int(headers["prev"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError, msgspec.MsgspecError) as error:
        place = f"{delivery.topic}/{delivery.partition}@{delivery.offset}"
        raise MessageIsUnreadable(f"{place}: {error!r}") from error


def _headers(record: EventRecord, previous: int) -> Headers:
    metadata = record.metadata
    fields = {
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
    headers = tuple((name, value.encode()) for name, value in fields.items())
    return (*headers, ("metadata", msgspec.json.encode(metadata)))
