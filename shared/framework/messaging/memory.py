"""A broker in memory that can be as bad as brokers are: it loses, doubles, stalls, dies and forgets."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
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
    """`chance` throws a number of [0, 1) per message; `drop` and `double` say how often that befalls one.

    A dropped message was acknowledged all the same: that is how a real broker loses one.
    """

    sleeper: Sleeper
    drop: float = 0.0
    double: float = 0.0
    chance: Callable[[], float] = _never
    is_up: bool = True
    sent: list[Message] = field(default_factory=list)
    """Every message that a producer was told had arrived, the dropped ones too."""
    _life: int = 1
    _logs: dict[TopicPartition, list[Delivery]] = field(default_factory=lambda: defaultdict(list))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def cluster_id(self) -> str:
        """See Broker."""
        self._must_be_up()
        return f"memory-{self._life}"

    async def producer(self) -> Producer:
        """See Broker."""
        self._must_be_up()
        return _MemoryProducer(self, self._life)

    async def subscriber(self, starts: Mapping[TopicPartition, int | None]) -> Subscriber:
        """See Broker."""
        self._must_be_up()
        return _MemorySubscriber(self, {place: offset or 0 for place, offset in starts.items()})

    def stop(self) -> None:
        """Answer nobody."""
        self.is_up = False
        self._notify()

    def start(self) -> None:
        """Come back as it was."""
        self.is_up = True

    def lose_all_messages(self) -> None:
        """Die and come back as another broker, with no message of before."""
        self._life += 1
        self._logs.clear()
        self.is_up = True
        self._notify()

    def store(self, message: Message) -> None:
        """Append one message to its partition, if fate allows."""
        self.sent.append(message)
        if self.chance() >= self.drop:
            self._append(message)
            if self.chance() < self.double:
                self._append(message)
        self._notify()

    def after(self, place: TopicPartition, offset: int, limit: int) -> Sequence[Delivery]:
        """What lies in a partition from an offset on; beyond its end there is silence."""
        self._must_be_up()
        return self._logs[place][offset : offset + limit]

    async def wait_for_change(self, wait_s: float) -> None:
        """Return when something was stored or changed, or after `wait_s`."""
        await self.sleeper.sleep(wait_s, self._news)

    def _append(self, message: Message) -> None:
        log = self._logs[message.topic, message.partition]
        log.append(
            Delivery(message.topic, message.partition, len(log), message.key, message.value, message.headers)
        )

    def _notify(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _must_be_up(self) -> None:
        if not self.is_up:
            raise BrokerFailed("the memory broker is down")


class _MemoryProducer:
    """Like a real one it is of no use any more once its broker has died."""

    def __init__(self, broker: MemoryBroker, life: int) -> None:
        self._broker = broker
        self._name = f"memory-{life}"

    async def send_batch(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if await self._broker.cluster_id() != self._name:
                raise BrokerFailed("the memory broker is another one now")
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
            await self._broker.wait_for_change(wait_s)
            found = self._fetch(limit)
        return found

    async def close(self) -> None:
        return None

    def _fetch(self, limit: int) -> Sequence[Delivery]:
        found: list[Delivery] = []
        for place, offset in self._offsets.items():
            page = self._broker.after(place, offset, limit - len(found))
            self._offsets[place] = offset + len(page)
            found.extend(page)
        return found
