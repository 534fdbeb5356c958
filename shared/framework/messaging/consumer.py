"""Hears the facts of other contexts, each with exactly one effect, whatever the broker does."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.framework.eventstore.ports import ConsumerStore
from shared.framework.eventstore.records import EventRecord
from shared.framework.leadership.port import Leadership, LeadershipTerm, Lease
from shared.framework.messaging.dead_letter_topic import publish_dead_letter
from shared.framework.messaging.dead_letters import BlockedStreams, ReplayResult, replay_dead_letters
from shared.framework.messaging.envelope import MessageIsUnreadable, record_from_message
from shared.framework.messaging.feed import FeedReader, FeedUnavailable
from shared.framework.messaging.handlers import Handler
from shared.framework.messaging.inbox import Inbox
from shared.framework.messaging.message_processor import MessageProcessor
from shared.framework.messaging.port import Broker, BrokerFailed, Delivery, Subscriber, TopicPartition
from shared.framework.observability import metrics
from shared.framework.retry.backoff import Backoff, Sleeper, restart_with_backoff

FEED_PAGE = 500
CLUSTER_CHECK_INTERVAL_S = 1.0
POLL_WAIT_S = 0.25
RECONNECTS = Backoff(0.05, 1.0)

_log = logging.getLogger(__name__)


class BrokerConnection:
    """Polls what can be polled. Silence is always possible; the sweeper covers it."""

    def __init__(self, broker: Broker, inbox: Inbox, sleeper: Sleeper) -> None:
        """Not connected yet."""
        self._broker = broker
        self._inbox = inbox
        self._sleeper = sleeper
        self._subscriber: Subscriber | None = None
        self._incarnation = ""
        self._ask_at = 0.0
        self._failures = 0

    @property
    def broken(self) -> bool:
        """Whether nothing can be heard at present."""
        return self._subscriber is None

    async def poll(self, limit: int) -> Sequence[Delivery]:
        """What the broker has for us; nothing, after a pause, while it cannot be reached."""
        try:
            subscriber = await self._connected()
            deliveries = await subscriber.poll(limit, POLL_WAIT_S)
        except BrokerFailed as error:
            _log.warning("the broker connection failed", extra={"cause": repr(error)})
            await self.close()
            await self._sleeper.sleep(RECONNECTS.pause_s(self._failures))
            self._failures += 1
            return ()
        self._failures = 0
        return deliveries

    async def close(self) -> None:
        """Let go."""
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            await subscriber.close()

    async def _connected(self) -> Subscriber:
        if self._subscriber is None or self._sleeper.elapsed() >= self._ask_at:
            incarnation = await self._broker.cluster_id()
            self._ask_at = self._sleeper.elapsed() + CLUSTER_CHECK_INTERVAL_S
            if self._subscriber is None or incarnation != self._incarnation:
                await self.close()
                self._incarnation = incarnation
                self._subscriber = await self._broker.subscriber(self._inbox.starting_offsets(incarnation))
        return self._subscriber


@dataclass(slots=True)
class Consumer:
    """`name` owns the marks and must never change; `hears` are contexts; `batch` messages make one commit."""

    name: str
    subscribes_to: Sequence[str]
    handler: Handler
    store: ConsumerStore
    broker: Broker
    feeds: FeedReader
    leadership: Leadership
    sleeper: Sleeper
    partitions: int
    batch: int = 500
    sweep_interval_s: float = 2.0
    term: LeadershipTerm = field(default_factory=LeadershipTerm)
    inbox: Inbox = field(init=False)
    _topics: dict[str, str] = field(init=False)
    _parking: BlockedStreams = field(init=False)
    _applier: MessageProcessor = field(init=False)
    _stood_at: dict[TopicPartition, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Lay out one mark per partition of every topic that is heard."""
        topics = self.store.contracts.topics
        self._topics = {context: topics[context] for context in self.subscribes_to}
        heard = [(topic, number) for topic in self._topics.values() for number in range(self.partitions)]
        self.inbox = Inbox(self.store, self.name, heard)
        self._parking = BlockedStreams(self.store, self.name)
        tell = partial(publish_dead_letter, self.broker)
        self._applier = MessageProcessor(self.store, self.inbox, self._parking, self.handler, tell)

    async def run(self) -> None:
        """Lead or wait to lead, for ever."""
        await restart_with_backoff(f"consumer {self.name}", self._acquire_lease, self.sleeper)

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        """Wait until a position of a context has been taken in; False when time is out.

        True at once for a context that is not heard here: nothing of it could change what we answer.
        """
        if context not in self.subscribes_to:
            return True
        place = (self._topics[context], partition)
        if place not in self.inbox.positions():
            return False
        return await self.inbox.wait_for_position(place, position, timeout_s, self.sleeper)

    async def replay_dead_letters(self) -> ReplayResult:
        """Handle this consumer's dead letters again; only one replay runs at a time."""
        async with self.leadership.acquire(f"replay:{self.name}"):
            return await replay_dead_letters(self.store, self.name, self.handler)

    async def _acquire_lease(self) -> None:
        async with self.leadership.acquire(f"consumer:{self.name}") as lease:
            await self.inbox.load()
            await self._parking.load()
            subscription = BrokerConnection(self.broker, self.inbox, self.sleeper)
            try:
                with self.term.running():
                    await self._lead(lease, subscription)
            finally:
                await subscription.close()

    async def _lead(self, lease: Lease, subscription: BrokerConnection) -> None:
        sweep_at = self.sleeper.elapsed()
        while True:
            lease.check()
            await self._process(await subscription.poll(self.batch))
            if self.sleeper.elapsed() >= sweep_at:
                await self._sweep(at_once=subscription.broken)
                sweep_at = self.sleeper.elapsed() + self.sweep_interval_s

    async def _process(self, deliveries: Sequence[Delivery]) -> None:
        """Commit what follows on without a hole; where there is one, read on from the feed instead."""
        work: dict[TopicPartition, list[EventRecord]] = {}
        holes: set[TopicPartition] = set()
        for delivery in deliveries:
            place = (delivery.topic, delivery.partition)
            if place not in holes:
                self._classify(delivery, work.setdefault(place, []), holes)
        work = {place: records for place, records in work.items() if records}
        if work:
            await self._applier.apply(work, self.sleeper)
        for place in sorted(holes):
            await self._fill_gap(place)

    def _classify(self, delivery: Delivery, records: list[EventRecord], holes: set[TopicPartition]) -> None:
        place = (delivery.topic, delivery.partition)
        last = records[-1].position if records else self.inbox.position(place)
        try:
            record = record_from_message(delivery, self.store.contracts.contexts[delivery.topic])
        except MessageIsUnreadable as error:
            _log.warning("a message is invalid; the feed is read instead", extra={"cause": str(error)})
            holes.add(place)
            return
        if record.position > last and record.previous > last:
            holes.add(place)
            return
        if record.position > last:
            records.append(record)
        self.inbox.note_offset(place, delivery.offset)

    async def _sweep(self, *, at_once: bool) -> None:
        """Heal silence: a mark that stood still since the last sweep, with the feed's head beyond it."""
        behind: dict[TopicPartition, int] = {}
        for context in self.subscribes_to:
            try:
                behind |= await self._behind(context)
            except FeedUnavailable as error:
                _log.warning("a feed cannot be read", extra={"feed": context, "cause": str(error)})
        stood_at, self._stood_at = self._stood_at, behind
        for place, position in behind.items():
            if at_once or stood_at.get(place) == position:
                await self._fill_gap(place)

    async def _behind(self, context: str) -> dict[TopicPartition, int]:
        heads = await self.feeds.heads(context, self.partitions)
        marks = {(self._topics[context], number): head for number, head in heads.items()}
        for (topic, number), head in marks.items():
            lag = head - self.inbox.position((topic, number))
            metrics.CONSUMER_LAG.labels(topic, str(number)).set(max(lag, 0))
        return {p: self.inbox.position(p) for p, head in marks.items() if head > self.inbox.position(p)}

    async def _fill_gap(self, place: TopicPartition) -> None:
        """A feed that does not answer is asked again by the next message or the next sweep."""
        metrics.GAPS_FILLED.labels(place[0]).inc()
        try:
            await self._catch_up(place)
        except FeedUnavailable as error:
            _log.warning("a gap cannot be filled yet", extra={"topic": place[0], "cause": str(error)})

    async def _catch_up(self, place: TopicPartition) -> None:
        """Take in everything that the feed has beyond the mark."""
        topic, number = place
        context = self.store.contracts.contexts[topic]
        while True:
            after = self.inbox.position(place)
            page = await self.feeds.page(context, number, self.partitions, after, FEED_PAGE)
            if page.records:
                await self._applier.apply({place: page.records}, self.sleeper)
            if not page.records or page.records[-1].position >= page.head:
                return
