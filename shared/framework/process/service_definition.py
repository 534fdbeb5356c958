"""What a main.py gets from its process, and the service that it returns."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

import asyncpg
from fastapi import APIRouter
from starlette.types import ASGIApp

from shared.framework.core.clock import Clock
from shared.framework.core.ids import IdGenerator
from shared.framework.eventstore.ports import Store
from shared.framework.http.authorization import Authenticator
from shared.framework.http.health import ReadinessCheck
from shared.framework.leadership.port import Leadership, LeadershipTerm
from shared.framework.messaging.feed import FeedReader
from shared.framework.messaging.handlers import Handler
from shared.framework.messaging.tenant_progress import ProgressReader
from shared.framework.process.feature import Feature, merged, merged_handler, subscriptions, total_work
from shared.framework.process.resumption import Resume
from shared.framework.process.scraped_gauges import Measurement
from shared.framework.process.settings import ServiceSettings
from shared.framework.retry.backoff import Sleeper
from shared.framework.retry.signal import Signal
from shared.framework.timers.timer import TimerHandler

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
Task = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class ServiceDependencies(Generic[SettingsT]):
    """The argument of a service's `build`: settings, connections, clock, ids and sleeper of the process.

    `feeds` and `progress`: of all contexts. `commits`, `clock_changes`: see CommitSignals.
    """

    context: str
    settings: SettingsT
    pool: "asyncpg.Pool[asyncpg.Record]"
    store: Store
    clock: Clock
    ids: IdGenerator
    sleeper: Sleeper
    feeds: FeedReader
    authenticator: Authenticator
    progress: ProgressReader
    leadership: Leadership
    commits: Signal = field(default_factory=Signal)
    clock_changes: Signal = field(default_factory=Signal)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition:
    """All parts of one service; most are the sum of its features (see Feature).

    `handler` gets the events of `subscribes_to`, at most `batch` messages in one commit; `consumer`: the name
    of its inbox (None: the context's name). A task that ends stops the process. `pending_work`: counts
    unfinished work other than due timers (0: none). `measurements`: see Feature. `close` runs last. `term`:
    whether this process is the one whose `handler` is called.
    """

    routers: Sequence[APIRouter] = ()
    raw_routes: Mapping[str, ASGIApp] = field(default_factory=dict)
    subscribes_to: Sequence[str] = ()
    handler: Handler | None = None
    consumer: str | None = None
    batch: int = 500
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    resume: Mapping[str, Resume] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    pending_work: Callable[[], Awaitable[int]] | None = None
    measurements: Sequence[Measurement] = ()
    checks: Mapping[str, ReadinessCheck] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] | None = None
    term: LeadershipTerm = field(default_factory=LeadershipTerm)

    @classmethod
    def of(
        cls,
        *features: Feature,
        clock: Clock,
        consumer: str | None = None,
        batch: int = 500,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> Self:
        """A service made of these features. Raises FeaturesCollide if two have the same name."""
        subscribes_to = subscriptions(features)
        return cls(
            routers=[router for feature in features for router in feature.routers],
            raw_routes=merged("raw path", (feature.raw_routes for feature in features)),
            subscribes_to=subscribes_to,
            handler=merged_handler(features, clock) if subscribes_to else None,
            timers=merged("timer purpose", (feature.timers for feature in features)),
            resume=merged("stream to resume", (feature.resume for feature in features)),
            tasks=merged("task", (feature.tasks for feature in features)),
            checks=merged("check", (feature.checks for feature in features)),
            pending_work=total_work(features),
            measurements=[each for feature in features for each in feature.measurements],
            consumer=consumer,
            batch=batch,
            close=close,
        )
