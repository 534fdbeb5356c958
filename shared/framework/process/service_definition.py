"""What a main.py says about its service; everything else is the same for all."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

import asyncpg
from fastapi import APIRouter
from starlette.types import ASGIApp

from shared.framework.core.clock import Clock
from shared.framework.core.ids import Ids
from shared.framework.eventstore.port import EventStore
from shared.framework.http.credential import Authenticator
from shared.framework.http.health import Check
from shared.framework.leadership.port import Term
from shared.framework.messaging.feed import FeedReader
from shared.framework.messaging.handlers import Handler
from shared.framework.process.feature import Feature, merged, merged_handler, subscriptions, total_work
from shared.framework.process.settings import ServiceSettings
from shared.framework.process.timers import TimerAction
from shared.framework.retry.backoff import Sleeper

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
Task = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Tools(Generic[SettingsT]):
    """What the process hands to a service's `build`: open connections and the ways to know time and names."""

    context: str
    settings: SettingsT
    pool: "asyncpg.Pool[asyncpg.Record]"
    store: EventStore
    clock: Clock
    ids: Ids
    sleeper: Sleeper
    feeds: FeedReader
    authenticator: Authenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What one service is made of.

    `hears`: contexts whose facts `handler` gets, at most `batch` messages in one commit; `consumer` names its
    inbox (none: the context's own name). `mounts`: raw ASGI apps by exact path, beside FastAPI. `tasks`:
    endless loops of the service's own by name; one that ends takes the process down. `busy`: how much
    unfinished work there is besides due timers (0: settled). `checks`: for /health/ready. `close` runs last.
    `term`: knows, from then on, whether it is this process whose handler is given the facts.
    """

    routers: Sequence[APIRouter] = ()
    mounts: Mapping[str, ASGIApp] = field(default_factory=dict)
    hears: Sequence[str] = ()
    handler: Handler | None = None
    consumer: str | None = None
    batch: int = 500
    timers: Mapping[str, TimerAction] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    busy: Callable[[], Awaitable[int]] | None = None
    checks: Mapping[str, Check] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] | None = None
    term: Term = field(default_factory=Term)

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
            mounts=merged("raw path", (feature.raw_routes for feature in features)),
            hears=hears,
            handler=merged_handler(features, clock) if hears else None,
            timers=merged("timer purpose", (feature.timers for feature in features)),
            tasks=merged("task", (feature.tasks for feature in features)),
            checks=merged("check", (feature.checks for feature in features)),
            busy=total_work(features),
            consumer=consumer,
            batch=batch,
            close=close,
        )
