"""What a main.py says about its service; everything else is the same for all."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

import asyncpg
from fastapi import APIRouter
from starlette.types import ASGIApp

from shared.framework.core.clock import Clock
from shared.framework.core.ids import IdGenerator
from shared.framework.eventstore.ports import Store
from shared.framework.http.credential import Authenticator
from shared.framework.http.health import ReadinessCheck
from shared.framework.leadership.port import LeadershipTerm
from shared.framework.messaging.feed import FeedReader
from shared.framework.messaging.handlers import Handler
from shared.framework.process.feature import Feature, merged, merged_handler, subscriptions, total_work
from shared.framework.process.settings import ServiceSettings
from shared.framework.retry.backoff import Sleeper
from shared.framework.timers.timer import TimerHandler

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
Task = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class ServiceDependencies(Generic[SettingsT]):
    """What the process hands to a service's `build`: open connections and the ways to know time and names."""

    context: str
    settings: SettingsT
    pool: "asyncpg.Pool[asyncpg.Record]"
    store: Store
    clock: Clock
    ids: IdGenerator
    sleeper: Sleeper
    feeds: FeedReader
    authenticator: Authenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition:
    """What one service is made of.

    `hears`: contexts whose facts `handler` gets, at most `batch` messages in one commit; `consumer` names its
    inbox (none: the context's own name). `raw_routes`: raw ASGI apps by exact path, beside FastAPI. `tasks`:
    endless loops of the service's own by name; one that ends takes the process down. `pending_work`: how much
    unfinished work there is besides due timers (0: settled). `checks`: for /health/ready. `close` runs last.
    `term`: knows, from then on, whether it is this process whose handler is given the facts.
    """

    routers: Sequence[APIRouter] = ()
    raw_routes: Mapping[str, ASGIApp] = field(default_factory=dict)
    subscribes_to: Sequence[str] = ()
    handler: Handler | None = None
    consumer: str | None = None
    batch: int = 500
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    pending_work: Callable[[], Awaitable[int]] | None = None
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
        """A service made of these features. Raises FeaturesCollide when two of them claim the same name."""
        hears = subscriptions(features)
        return cls(
            routers=[router for feature in features for router in feature.routers],
            raw_routes=merged("raw path", (feature.raw_routes for feature in features)),
            subscribes_to=hears,
            handler=merged_handler(features, clock) if hears else None,
            timers=merged("timer purpose", (feature.timers for feature in features)),
            tasks=merged("task", (feature.tasks for feature in features)),
            checks=merged("check", (feature.checks for feature in features)),
            pending_work=total_work(features),
            consumer=consumer,
            batch=batch,
            close=close,
        )
