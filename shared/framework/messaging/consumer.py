"""The consumer: handles the events of other contexts, each with exactly one effect."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.framework.eventstore.ports import ConsumerStore
from shared.framework.eventstore.records import EventRecord
from shared.framework.leadership.port import Leadership, LeadershipTerm, Lease
from shared.framework.messaging.dead_letter_topic import publish_dead_letter
from shared.framework.messaging.dead_letters import ReplayResult, replay_dead_letters
from shared.framework.messaging.envelope import MessageIsUnreadable, record_from_message
from shared.framework.messaging.feed import FeedReader, FeedUnavailable
from shared.framework.messaging.handlers import Handler
from shared.framework.messaging.inbox import Inbox
from shared.framework.messaging.message_processor import BlockedStreams, MessageProcessor
from shared.framework.messaging.port import Broker, BrokerFailed, Delivery, Subscriber, TopicPartition
from shared.framework.messaging.positions_ahead import PositionsAhead
from shared.framework.observability import metrics
from shared.framework.retry.backoff import Backoff, Sleeper, restart_with_backoff

FEED_PAGE = 500
CLUSTER_CHECK_INTERVAL_S = 1.0
POLL_WAIT_S = 0.25
RECONNECTS = Backoff(0.05, 1.0)

_log = logging.getLogger(__name__)


class BrokerConnection:
    """A subscriber that is opened again after failures, and when the broker's cluster id changes."""

    def __init__(self, broker: Broker, inbox: Inbox, sleeper: Sleeper) -> None:
        """Connects at the first `poll`."""
        self._broker = broker
        self._inbox = inbox
        self._sleeper = sleeper
        self._subscriber: Subscriber | None = None
        self._cluster_id = ""
        self._check_at = 0.0
        self._failures = 0

    @property
    def broken(self) -> bool:
        """Whether there is no open subscriber."""
        return self._subscriber is None

    async def poll(self, limit: int) -> Sequence[Delivery]:
        """At most `limit` messages; empty, after a pause, if the broker fails."""
        try:
            subscriber = await self._connected()
            deliveries = await subscriber.poll(limit, POLL_WAIT_S)
        except BrokerFailed as error:
            metrics.CONSUMER_FAILURES.labels("broker").inc()
            _log.warning("the broker connection failed", extra={"cause": repr(error)})
            await self.close()
            await self._sleeper.sleep(RECONNECTS.pause_s(self._failures))
            self._failures += 1
            return ()
        self._failures = 0
        return deliveries

    async def close(self) -> None:
        """Close the subscriber."""
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            await subscriber.close()

    async def _connected(self) -> Subscriber:
        if self._subscriber is None or self._sleeper.elapsed() >= self._check_at:
            cluster_id = await self._broker.cluster_id()
            self._check_at = self._sleeper.elapsed() + CLUSTER_CHECK_INTERVAL_S
            if self._subscriber is None or cluster_id != self._cluster_id:
                await self.close()
                self._cluster_id = cluster_id
                self._subscriber = await self._broker.subscriber(self._inbox.starting_offsets(cluster_id))
        return self._subscriber


@dataclass(slots=True)
class Consumer:
    """Handles the events of some contexts, whatever the broker loses, repeats or forgets.

    `name`: key of the inbox positions, never to be changed. `subscribes_to`: contexts. `batch`: the largest
    number of messages in one commit. A gap in a partition is filled from the feed; every `sweep_interval_s`
    positions are compared with the feeds, for messages that never came. While a consumed event is missing in
    its feed, nothing is consumed (`ahead`).
    """

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
    ahead: PositionsAhead = field(init=False, default_factory=PositionsAhead)
    _topics: dict[str, str] = field(init=False)
    _blocked_streams: BlockedStreams = field(init=False)
    _processor: MessageProcessor = field(init=False)
    _behind_before: dict[TopicPartition, int] = field(init=False, default_factory=dict)
    """Positions of the partitions that were behind their feed at the last sweep."""

    def __post_init__(self) -> None:
        """Make an inbox with the partitions of all topics."""
        topics = self.store.contracts.topics
        self._topics = {context: topics[context] for context in self.subscribes_to}
        numbers = range(self.partitions)
        partitions = [(topic, number) for topic in self._topics.values() for number in numbers]
        self.inbox = Inbox(self.store, self.name, partitions)
        self._blocked_streams = BlockedStreams(self.store, self.name)
        publish = partial(publish_dead_letter, self.broker)
        self._processor = MessageProcessor(
            self.store, self.inbox, self._blocked_streams, self.handler, publish
        )

    async def run(self) -> None:
        """Run for ever: wait for the lease, then consume; restart after transient failures."""
        await restart_with_backoff(f"consumer {self.name}", self._acquire_lease, self.sleeper)

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        """Wait until a position of a context has been handled; False after `timeout_s`.

        True at once for a context that is not subscribed to: its events change nothing here.
        """
        if context not in self.subscribes_to:
            return True
        key = (self._topics[context], partition)
        if key not in self.inbox.positions():
            return False
        return await self.inbox.wait_for_position(key, position, timeout_s, self.sleeper)

    async def stored_positions(self) -> dict[TopicPartition, int]:
        """The positions in the database, whichever process is the leader."""
        return {partition: at.position for partition, at in (await self.store.inbox(self.name)).items()}

    async def catch_up(self, context: str, timeout_s: float) -> None:
        """Wait until all that a context has stored by now is handled, at most `timeout_s`.

        Returns at once if its feed does not answer or it is not subscribed to.
        """
        if context not in self.subscribes_to:
            return
        try:
            heads = await self.feeds.heads(context, self.partitions)
        except FeedUnavailable as error:
            _log.warning("a feed cannot be read", extra={"feed": context, "cause": str(error)})
            return
        waits = (self.wait_for_position(context, *head, timeout_s) for head in heads.items())
        await asyncio.gather(*waits)

    async def replay_dead_letters(self) -> ReplayResult:
        """Handle this consumer's dead letters again, under a lease: one replay at a time."""
        async with self.leadership.acquire(f"replay:{self.name}"):
            return await replay_dead_letters(self.store, self.name, self.handler)

    async def _acquire_lease(self) -> None:
        async with self.leadership.acquire(f"consumer:{self.name}") as lease:
            await self.inbox.load()
            await self._blocked_streams.load()
            connection = BrokerConnection(self.broker, self.inbox, self.sleeper)
            try:
                with self.term.running():
                    await self._lead(lease, connection)
            finally:
                await connection.close()

    async def _lead(self, lease: Lease, connection: BrokerConnection) -> None:
        await self._compare_with_feeds()  # before the first message: a lost history may be growing again
        sweep_at = self.sleeper.elapsed()
        while True:
            lease.check()
            if self.ahead:
                await self.sleeper.sleep(self.sweep_interval_s)
            else:
                await self._process(await connection.poll(self.batch))
            if self.sleeper.elapsed() >= sweep_at:
                await self._sweep(at_once=connection.broken)
                sweep_at = self.sleeper.elapsed() + self.sweep_interval_s

    async def _process(self, deliveries: Sequence[Delivery]) -> None:
        """Handle the messages of each partition up to its first gap, and fill gaps from the feed."""
        work: dict[TopicPartition, list[EventRecord]] = {}
        gaps: set[TopicPartition] = set()
        for delivery in deliveries:
            partition = (delivery.topic, delivery.partition)
            if partition not in gaps:
                self._classify(delivery, work.setdefault(partition, []), gaps)
        work = {partition: records for partition, records in work.items() if records}
        if work:
            await self._processor.apply(work, self.sleeper)
        for partition in sorted(gaps):
            await self._fill_gap(partition)

    def _classify(self, delivery: Delivery, records: list[EventRecord], gaps: set[TopicPartition]) -> None:
        """Append the record of a message to `records` if it is new, or its partition to `gaps`."""
        partition = (delivery.topic, delivery.partition)
        last = records[-1].position if records else self.inbox.position(partition)
        try:
            record = record_from_message(delivery, self.store.contracts.contexts[delivery.topic])
        except MessageIsUnreadable as error:
            _log.warning("a message is invalid; the feed is read instead", extra={"cause": str(error)})
            gaps.add(partition)
            return
        if record.position > last and record.previous > last:
            gaps.add(partition)
            return
        if record.position > last and self.ahead.follows(partition, last, record.previous):
            records.append(record)
        self.inbox.note_offset(partition, delivery.offset)

    async def _sweep(self, *, at_once: bool) -> None:
        """Read the feed for partitions that are behind it and have not moved since the last sweep."""
        behind = await self._compare_with_feeds()
        before, self._behind_before = self._behind_before, behind
        for partition, position in behind.items():
            if not self.ahead and (at_once or before.get(partition) == position):
                await self._fill_gap(partition)

    async def _compare_with_feeds(self) -> dict[TopicPartition, int]:
        """The positions of partitions behind their feed; those beyond it are noted in `ahead`."""
        behind: dict[TopicPartition, int] = {}
        for context in self.subscribes_to:
            try:
                behind |= await self._behind(context)
            except FeedUnavailable as error:
                metrics.CONSUMER_FAILURES.labels("feed").inc()
                _log.warning("a feed cannot be read", extra={"feed": context, "cause": str(error)})
        return behind

    async def _behind(self, context: str) -> dict[TopicPartition, int]:
        """The positions of the partitions of a context that are behind their feed."""
        heads, topic = await self.feeds.heads(context, self.partitions), self._topics[context]
        behind: dict[TopicPartition, int] = {}
        for number, head in heads.items():
            position = self.inbox.position((topic, number))
            self.ahead.compare((topic, number), position, head)
            if head > position:
                behind[topic, number] = position
        return behind

    async def _fill_gap(self, partition: TopicPartition) -> None:
        """Read the feed; if it is unavailable, the next message or the next sweep tries again."""
        metrics.GAPS_FILLED.labels(partition[0]).inc()
        try:
            await self._catch_up(partition)
        except FeedUnavailable as error:
            metrics.CONSUMER_FAILURES.labels("feed").inc()
            _log.warning("a gap cannot be filled yet", extra={"topic": partition[0], "cause": str(error)})

    async def _catch_up(self, partition: TopicPartition) -> None:
        """Handle all records of the feed after the inbox position."""
        topic, number = partition
        context = self.store.contracts.contexts[topic]
        while True:
            after = self.inbox.position(partition)
            page = await self.feeds.page(context, number, self.partitions, after, FEED_PAGE)
            if page.records and not self.ahead.follows(partition, after, page.records[0].previous):
                return
            if page.records:
                await self._processor.apply({partition: page.records}, self.sleeper)
            if not page.records or page.records[-1].position >= page.head:
                return
