"""Port of a broker: bytes in order within a partition, which it may lose or deliver again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.framework.retry.transient import TransientFailure

Headers = tuple[tuple[str, bytes], ...]
TopicPartition = tuple[str, int]
"""A topic and the number of a partition in it."""


class BrokerFailed(TransientFailure):
    """A call failed or timed out; the producer or subscriber cannot be used any more."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to send; the partition is given, not chosen by the client library."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Delivery:
    """A received message; `offset` is its number in the broker's partition."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Headers


class Producer(Protocol):
    """Sends batches; unusable after BrokerFailed."""

    async def send_batch(self, messages: Sequence[Message]) -> None:
        """Send all and wait until all replicas have acknowledged each. Raises BrokerFailed."""

    async def close(self) -> None:
        """Close the connection, within a time-out and without raising."""


class Subscriber(Protocol):
    """Reads the partitions assigned to it; unusable after BrokerFailed."""

    async def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """At most `limit` messages in order of partition; empty after `wait_s`. Raises BrokerFailed."""

    async def close(self) -> None:
        """Close the connection, within a time-out and without raising."""


class Broker(Protocol):
    """A Kafka-protocol broker, or one in memory."""

    async def cluster_id(self) -> str:
        """The id of the cluster: offsets are valid for this cluster only. Raises BrokerFailed."""

    async def producer(self) -> Producer:
        """A connected producer. Raises BrokerFailed."""

    async def subscriber(self, starts: Mapping[TopicPartition, int | None]) -> Subscriber:
        """A reader of these partitions, each from an offset or (None) the earliest. Raises BrokerFailed."""
