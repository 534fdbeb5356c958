"""A feature: the part of a service that one subject adds. `ServiceDefinition.of` combines features."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.types import ASGIApp

from shared.framework.core.clock import Clock
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork
from shared.framework.http.health import ReadinessCheck
from shared.framework.messaging.handlers import Handler, Reactor, reaction_handler
from shared.framework.process.resumption import Resume
from shared.framework.process.scraped_gauges import Measurement
from shared.framework.timers.timer import TimerHandler

PartT = TypeVar("PartT")
KeyT = TypeVar("KeyT")


class FeaturesCollide(Exception):
    """Two features of one service have the same name for something; the message has the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One subject's part of a service.

    `raw_routes`: ASGI apps by exact path, outside FastAPI. `subscribes_to`: contexts whose events are
    handled, in batches by `handler` if given, else one by one by `reactors`. `timers`: handlers by purpose.
    `tasks`: background tasks by name, which never return. `checks`: for /health/ready. `pending_work`: counts
    unfinished work other than due timers. `measurements`: set gauges when /metrics is asked for. `resume`: by
    prefix of stream ids, what derives timers and own rows again for a stream that was put back.
    """

    routers: Sequence[APIRouter] = ()
    raw_routes: Mapping[str, ASGIApp] = field(default_factory=dict)
    subscribes_to: Sequence[str] = ()
    reactors: Mapping[type[Event], Reactor] = field(default_factory=dict)
    handler: Handler | None = None
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    tasks: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=dict)
    checks: Mapping[str, ReadinessCheck] = field(default_factory=dict)
    pending_work: Callable[[], Awaitable[int]] | None = None
    measurements: Sequence[Measurement] = ()
    resume: Mapping[str, Resume] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for reactors beside a batch handler, which would never be called."""
        if self.handler and self.reactors:
            raise ValueError("a feature has a batch handler or reactors, not both")


def merged(what: str, parts: Iterable[Mapping[KeyT, PartT]]) -> dict[KeyT, PartT]:
    """All parts as one mapping. Raises FeaturesCollide if two have the same key; `what` names the keys."""
    whole: dict[KeyT, PartT] = {}
    for part in parts:
        if common := whole.keys() & part.keys():
            raise FeaturesCollide(f"two features have the same {what}: {', '.join(map(str, common))}")
        whole |= part
    return whole


def subscriptions(features: Iterable[Feature]) -> Sequence[str]:
    """The contexts that the features subscribe to, each once."""
    return list(dict.fromkeys(context for feature in features for context in feature.subscribes_to))


def merged_handler(features: Sequence[Feature], clock: Clock) -> Handler:
    """A handler that calls each batch handler with the records of its contexts, and all reactors."""
    batches = [(feature.subscribes_to, feature.handler) for feature in features if feature.handler]
    others = [feature for feature in features if not feature.handler]
    reactors = merged("event to react to", (feature.reactors for feature in others))
    batches.append((subscriptions(others), reaction_handler(reactors, clock)))

    async def handle(unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        for contexts, handler in batches:
            if subscribed := [record for record in records if record.context in contexts]:
                await handler(unit, subscribed)

    return handle


def total_work(features: Sequence[Feature]) -> Callable[[], Awaitable[int]]:
    """A function that counts the pending work of all features."""
    counts = [feature.pending_work for feature in features if feature.pending_work]

    async def pending() -> int:
        return sum([await count() for count in counts])

    return pending
