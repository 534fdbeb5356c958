"""A broker in memory, with the failures of real ones: lost, duplicate and late messages, and restarts."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.framework.messaging.port import (
    BrokerFailed,
    Delivery,
    Message,
    Producer,
    Subscriber,
    TopicPartition,
)
from shared.framework.retry.backoff import Sleeper


def _never() -> float:
    return 1.0


@dataclass(slots=True)
class MemoryBroker:
    """`drop` and `double`: probability that a message is lost or stored twice; `chance` draws from [0, 1).

    A lost message is acknowledged, as a real broker does that loses it later.
    """

    sleeper: Sleeper
    drop: float = 0.0
    double: float = 0.0
    chance: Callable[[], float] = _never
    is_up: bool = True
    sent: list[Message] = field(default_factory=list)
    """All acknowledged messages, including the lost ones."""
    _generation: int = 1
    _logs: dict[TopicPartition, list[Delivery]] = field(default_factory=lambda: defaultdict(list))
    _waiting: dict[TopicPartition, list[asyncio.Event]] = field(default_factory=lambda: defaultdict(list))

    async def cluster_id(self) -> str:
        self._must_be_up()
        return f"memory-{self._generation}"

    async def producer(self) -> Producer:
        self._must_be_up()
        return _MemoryProducer(self, self._generation)

    async def subscriber(self, starts: Mapping[TopicPartition, int | None]) -> Subscriber:
        self._must_be_up()
        return _MemorySubscriber(self, {partition: offset or 0 for partition, offset in starts.items()})

    def stop(self) -> None:
        """Raise BrokerFailed for every call from now on."""
        self.is_up = False
        self._notify(self._waiting)

    def start(self) -> None:
        """Start again with all messages."""
        self.is_up = True

    def lose_all_messages(self) -> None:
        """Start again as another cluster, without messages."""
        self._generation += 1
        self._logs.clear()
        self.is_up = True
        self._notify(self._waiting)

    def store(self, message: Message) -> None:
        """Append a message to its partition; it may be lost or stored twice."""
        self.sent.append(message)
        if self.chance() >= self.drop:
            self._append(message)
            if self.chance() < self.double:
                self._append(message)
            self._notify([(message.topic, message.partition)])

    def after(self, partition: TopicPartition, offset: int, limit: int) -> Sequence[Delivery]:
        """Messages of a partition from an offset on; empty beyond the end."""
        self._must_be_up()
        return self._logs[partition][offset : offset + limit]

    async def wait_for_change(self, partitions: Iterable[TopicPartition], wait_s: float) -> None:
        """Return when one of these partitions gets a message or the broker stops, or after `wait_s`."""
        changed, waiting = asyncio.Event(), [self._waiting[partition] for partition in partitions]
        for events in waiting:
            events.append(changed)
        try:
            await self.sleeper.sleep(wait_s, changed)
        finally:
            for events in waiting:
                events.remove(changed)

    def _append(self, message: Message) -> None:
        log = self._logs[message.topic, message.partition]
        log.append(
            Delivery(message.topic, message.partition, len(log), message.key, message.value, message.headers)
        )

    def _notify(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            for changed in self._waiting.get(partition, ()):
                changed.set()

    def _must_be_up(self) -> None:
        if not self.is_up:
            raise BrokerFailed("the memory broker is down")


class _MemoryProducer:
    """Fails for ever once its cluster is gone, as a real one does."""

    def __init__(self, broker: MemoryBroker, generation: int) -> None:
        self._broker = broker
        self._name = f"memory-{generation}"

    async def send_batch(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if await self._broker.cluster_id() != self._name:
                raise BrokerFailed("the memory broker has another cluster id now")
            self._broker.store(message)

    async def close(self) -> None:
        return None


class _MemorySubscriber:
    def __init__(self, broker: MemoryBroker, offsets: dict[TopicPartition, int]) -> None:
        self._broker = broker
        self._offsets = offsets

    async def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        found = self._fetch(limit)
        if not found:
            await self._broker.wait_for_change(self._offsets, wait_s)
            found = self._fetch(limit)
        return found

    async def close(self) -> None:
        return None

    def _fetch(self, limit: int) -> Sequence[Delivery]:
        found: list[Delivery] = []
        for partition, offset in self._offsets.items():
            page = self._broker.after(partition, offset, limit - len(found))
            self._offsets[partition] = offset + len(page)
            found.extend(page)
        return found
