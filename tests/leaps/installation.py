"""All services in one process: real features over memory stores, and tasks that deliver and fire at random.

Nothing waits for real time: a sleep is a number of turns of the event loop, drawn from the seed. So each seed
has another order in which services receive events and fire timers, and the same one in every run.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import httpx2

from services.ingest.acceptance.feature import acceptance
from services.ingest.acceptance.group_commit import BatchSize, GroupCommitWriter
from services.ingest.acceptance.handlers import BatchResumption, UsageAcceptance
from services.ingest.acceptance.memory import MemoryDeduplicationStore
from services.ingest.metered_types.feature import metered_types
from services.ingest.metered_types.memory import MemoryMeteredTypes
from services.invoicing.main import FEATURES as INVOICING
from services.metering.backfills.backfill import MeterBackfill
from services.metering.meters.memory import MemoryMeterRepository
from services.metering.meters.routes import meters_router
from services.metering.readings.feature import readings
from services.metering.readings.timers import ReadingProcess
from services.metering.readings.usage_progress import UsageProgress
from services.metering.rollups.consumer import RollupConsumer
from services.metering.rollups.feature import rollups
from services.metering.rollups.memory import MemoryRollups
from services.payments.gateways.sandbox.gateway import SandboxGateway
from services.payments.gateways.sandbox.ledger import MemorySandboxLedger
from services.payments.main import features_of
from services.payments.retry_policy import RetryPolicy
from services.subscriptions.main import FEATURES as SUBSCRIPTIONS
from services.subscriptions.test_clocks.feature import clocks
from services.subscriptions.test_clocks.leaps import Leaps
from shared.billing.contracts import CONTEXTS, CONTRACTS, TOPICS
from shared.framework.core.event import Event
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import ChangeSet, CommitReceipt, InboxAdvance, InboxPosition
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.http.app import create_app
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.messaging.feed import FeedUnavailable, InProcessFeeds
from shared.framework.messaging.tenant_progress import ProgressQuery, ProgressReporter, TenantProgress
from shared.framework.process.feature import Feature
from shared.framework.process.service_definition import ServiceDefinition
from shared.framework.retry.signal import Signal
from shared.framework.testing.event_records import history
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller
from shared.framework.timers.loop import TimerLoop
from shared.framework.timers.ready_clock import ReadyClock
from tollhouse.roles import SCOPES

PARTITIONS = 2
DAY = timedelta(days=1)
POLICY = RetryPolicy(dunning=(3 * DAY, 5 * DAY), lookup_pauses=(DAY,), refund_pauses=(DAY,))
PLENTY = BatchSize(50_000, 2**30)


class TurnSleeper:
    """Sleeps for some turns of the event loop, whatever the seconds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.turns = 0

    async def pause(self, turns_max: int) -> None:
        """Let others run for a while."""
        for _ in range(self.random.randint(1, turns_max)):
            self.turns += 1
            await asyncio.sleep(0)

    async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        await self.pause(4)
        return wake is not None and wake.is_set()

    def elapsed(self) -> float:
        return self.turns * 1e-5


class NotifyingStore(MemoryEventStore):
    """Notifies `commits` after each commit, as the store of a process does."""

    def __init__(self, context: str, clock: FakeClock) -> None:
        super().__init__(context, clock, CONTRACTS)
        self.commits = Signal()

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        receipt = await super().commit(changes)
        self.commits.notify()
        return receipt


@dataclass(slots=True)
class Receiver:
    """The consumer of a service: reads the feeds of other contexts, one partition after a random pause."""

    store: NotifyingStore
    feeds: InProcessFeeds
    service: ServiceDefinition
    sleeper: TurnSleeper
    name: str = field(init=False)
    subscribes_to: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.name, self.subscribes_to = self.store.context, self.service.subscribes_to

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        key = (TOPICS[context], partition)
        while context in self.subscribes_to:
            at = (await self.store.inbox(self.name)).get(key)
            if (at is not None and at.position >= position) or position == 0:
                return True
            await self.sleeper.pause(4)
        return True

    async def catch_up(self, context: str, timeout_s: float) -> None:
        for number, head in (await self.feeds.heads(context, PARTITIONS)).items():
            await self.wait_for_position(context, number, head, timeout_s)

    async def receive(self, context: str, slowness: int) -> None:
        """Receive the events of a context, for ever."""
        while True:
            for number in range(PARTITIONS):
                await self.sleeper.pause(slowness)
                await self._receive_some(context, number)

    async def _receive_some(self, context: str, number: int) -> None:
        topic = TOPICS[context]
        at = (await self.store.inbox(self.name)).get((topic, number))
        before = at.position if at else 0
        limit = self.sleeper.random.randint(1, 20)
        page = await self.feeds.page(context, number, PARTITIONS, before, limit)
        handler = self.service.handler
        if not page.records or handler is None:
            return

        async def work(unit: UnitOfWork) -> None:
            await handler(unit, page.records)
            reached = InboxPosition(self.name, topic, number, page.records[-1].position)
            unit.changes.inbox.append(InboxAdvance(reached, before))

        await transact(self.store, work)


@dataclass(slots=True)
class Service:
    """One context with everything that a process of it has."""

    context: str
    store: NotifyingStore
    definition: ServiceDefinition
    receiver: Receiver
    timers: TimerLoop
    reporter: ProgressReporter
    client: httpx2.AsyncClient


class Installation:
    """All contexts. `unreachable`: contexts that do not report their progress."""

    def __init__(self, seed: int, clock: FakeClock) -> None:
        self.clock, self.sleeper, self.ids = clock, TurnSleeper(seed), SequentialIds()
        self.stores = {context: NotifyingStore(context, clock) for context in CONTEXTS}
        self.feeds = InProcessFeeds(self.stores)
        self.ledger = MemorySandboxLedger()
        self.unreachable: set[str] = set()
        self.tasks: dict[str, Any] = {}
        self.services = {context: self._service(context) for context in CONTEXTS}

    async def tenant_progress(self, context: str, query: ProgressQuery) -> TenantProgress:
        """See ProgressReader."""
        await self.sleeper.pause(8)
        if context in self.unreachable:
            raise FeedUnavailable(context)
        return await self.services[context].reporter.report(replace(query, wait_s=min(query.wait_s, 0.01)))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything runs for the length of the block; every link and timer loop has its own slowness."""
        works = [self._loops(service) for service in self.services.values()]
        tasks = [asyncio.create_task(work) for service in works for work in service]
        try:
            yield
            for task in tasks:
                assert not task.done() or task.cancelled(), task.exception()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def request(
        self, context: str, method: str, path: str, body: Any = None, key: str | None = None
    ) -> dict[str, Any]:
        """The answer to a request, which is repeated while the test clock advances."""
        headers = {"authorization": "Bearer admin"} | ({"idempotency-key": key} if key else {})
        while True:
            answer = await self.services[context].client.request(method, path, json=body, headers=headers)
            if answer.status_code != 503:
                assert answer.status_code < 300, answer.text
                found: dict[str, Any] = answer.json()
                return found

    async def ready(self) -> dict[str, Any]:
        """The test clock, when it is ready."""
        while True:
            clock = await self.request("subscriptions", "GET", "/v1/test-clock")
            if clock["state"] == "ready":
                return clock
            await self.sleeper.pause(50)

    async def events(self, context: str) -> Sequence[Event]:
        """All events of a context."""
        return await history(self.stores[context])

    def _loops(self, service: Service) -> Sequence[Any]:
        draw = self.sleeper.random
        links = [
            service.receiver.receive(context, draw.choice([1, 5, 40, 200]))
            for context in service.definition.subscribes_to
        ]
        return [
            *links,
            self._fire(service.timers, draw.choice([1, 10, 100])),
            *(task() for task in service.definition.tasks.values()),
        ]

    async def _fire(self, timers: TimerLoop, slowness: int) -> None:
        while True:
            await self.sleeper.pause(slowness)
            await timers.fire_due()

    def _service(self, context: str) -> Service:
        store, clock = self.stores[context], self.clock
        definition = ServiceDefinition.of(*self._features()[context], clock=clock)
        receiver = Receiver(store, self.feeds, definition, self.sleeper)
        timers = TimerLoop(store, definition.timers, clock, MemoryLeadership(), self.sleeper)
        app = create_app(
            context,
            definition.routers,
            store=store,
            clock=clock,
            ids=self.ids,
            authenticator=FakeAuthenticator({"admin": caller("acme", *SCOPES["billing_admin"])}),
            partitions=PARTITIONS,
            waiter=receiver,
            clock_waiter=ReadyClock(store, self.sleeper, store.commits),
            raw=definition.raw_routes,
        )
        client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"http://{context}.test")
        reporter = ProgressReporter(store, receiver, PARTITIONS, self.sleeper, store.commits)
        return Service(context, store, definition, receiver, timers, reporter, client)

    def _features(self) -> Mapping[str, Sequence[Feature]]:
        gateways = {"sandbox": SandboxGateway(self.ledger, self.clock, timedelta(minutes=10))}
        return {
            "ingest": self._ingest,
            "metering": self._metering,
            "subscriptions": [*SUBSCRIPTIONS, clocks(self.leaps)],
            "invoicing": INVOICING,
            "payments": features_of(self.stores["payments"], self.clock, gateways, POLICY),
        }

    @cached_property
    def leaps(self) -> Leaps:
        """The advances of test clocks."""
        store = self.stores["subscriptions"]
        return Leaps(
            store, self, CONTEXTS, ["ingest"], PARTITIONS, MemoryLeadership(), self.sleeper, store.commits
        )

    @cached_property
    def _ingest(self) -> Sequence[Feature]:
        store = self.stores["ingest"]
        types, known = MemoryMeteredTypes(store), MemoryDeduplicationStore(store)
        usage = UsageAcceptance(store, known, types, self.clock, self.ids, PARTITIONS)
        writer = GroupCommitWriter(usage.accept, transaction_max=PLENTY, waiting_max=PLENTY)
        return [acceptance(writer, BatchResumption(known)), metered_types(types)]

    @cached_property
    def _metering(self) -> Sequence[Feature]:
        store = self.stores["metering"]
        repository, totals = MemoryMeterRepository(store), MemoryRollups(store)
        progress = UsageProgress(store, self.feeds, self.sleeper, PARTITIONS, timeout_s=1e6)
        process = ReadingProcess(repository, totals, progress, PARTITIONS, timedelta(hours=1))
        backfill = MeterBackfill(store, repository, totals, self.feeds, self.sleeper, PARTITIONS)

        async def fill() -> None:
            while True:
                await self.sleeper.pause(20)
                await backfill.step()

        return [
            Feature(routers=[meters_router(repository)]),
            rollups(RollupConsumer(repository, totals)),
            Feature(tasks={"backfill": fill}),
            readings(process),
        ]
