"""A copy of each dead letter on `<topic>.dlq`, for monitoring; the table `parked` is authoritative."""

import logging
from dataclasses import replace

from shared.framework.eventstore.records import DeadLetter
from shared.framework.messaging.envelope import message_of
from shared.framework.messaging.port import Broker, BrokerFailed, Message

_log = logging.getLogger(__name__)


async def publish_dead_letter(broker: Broker, letter: DeadLetter) -> None:
    """Send the original message with headers for cause and consumer; a broker failure is only logged."""
    try:
        producer = await broker.producer()
        try:
            await producer.send_batch([_message(letter)])
        finally:
            await producer.close()
    except BrokerFailed as error:
        _log.warning("a dead letter was stored but not published", extra={"cause": repr(error)})


def _message(letter: DeadLetter) -> Message:
    original = message_of(letter.record, f"{letter.topic}.dlq", letter.partition, letter.record.previous)
    headers = (
        *original.headers,
        ("dlq_cause", letter.cause.encode()),
        ("dlq_consumer", letter.consumer.encode()),
    )
    return replace(original, headers=headers)
