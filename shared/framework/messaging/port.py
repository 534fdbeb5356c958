"""What the house asks of a broker: carry bytes in order within a partition; no guarantee rests on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.framework.retry.transient import TransientFailure

Headers = tuple[tuple[str, bytes], ...]
TopicPartition = tuple[str, int]
"""A topic and the number of a partition in it."""


class BrokerFailed(TransientFailure):
    """The broker did not do what was asked within its time: drop the producer or subscriber, begin again."""


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out: bytes for one partition, chosen by us and not by the client library."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came in; `offset` is the broker's own number for it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Headers


class Producer(Protocol):
    """Sends batches; after any BrokerFailed it is of no more use."""

    async def send_batch(self, messages: Sequence[Message]) -> None:
        """Send all and wait until each is acknowledged by all replicas; BrokerFailed if any was not."""
        ...

    async def close(self) -> None:
        """Let go of the broker, within a time limit and without raising."""
        ...


class Subscriber(Protocol):
    """Reads partitions that were assigned by hand; after any BrokerFailed it is of no more use."""

    async def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """Up to `limit` deliveries, in order within each partition; none after `wait_s` seconds."""
        ...

    async def close(self) -> None:
        """Let go of the broker, within a time limit and without raising."""
        ...


class Broker(Protocol):
    """A Kafka-protocol broker, or its likeness in memory."""

    async def cluster_id(self) -> str:
        """Who the broker is; when the answer changes, old offsets mean nothing any more. BrokerFailed."""
        ...

    async def producer(self) -> Producer:
        """A connected producer. BrokerFailed."""
        ...

    async def subscriber(self, starts: Mapping[TopicPartition, int | None]) -> Subscriber:
        """A reader of these partitions, each from an offset or (None) the earliest. BrokerFailed."""
        ...
