"""What one subject adds to a service; `ServiceDefinition.of` puts the features of a context together."""

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
from shared.framework.timers.timer import TimerHandler

PartT = TypeVar("PartT")
KeyT = TypeVar("KeyT")


class FeaturesCollide(Exception):
    """Two features of one service claim the same name; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One subject's part of a service.

    `raw_routes`: ASGI apps by exact path, beside FastAPI. `subscribes_to`: contexts whose events are handled:
    by `handler` in batches if there is one, else one by one by `reactors`. `timers`: by purpose. `tasks`:
    endless loops by name. `checks`: for /health/ready. `pending_work`: how much unfinished work there is
    besides due timers.
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

    def __post_init__(self) -> None:
        """Refuse reactors that would never be called."""
        if self.handler and self.reactors:
            raise ValueError("a feature has a batch handler or reactors, not both")


def merged(what: str, parts: Iterable[Mapping[KeyT, PartT]]) -> dict[KeyT, PartT]:
    """All parts as one mapping. Raises FeaturesCollide when two of them have the same key."""
    whole: dict[KeyT, PartT] = {}
    for part in parts:
        if twice := whole.keys() & part.keys():
            raise FeaturesCollide(f"two features have the same {what}: {', '.join(map(str, twice))}")
        whole |= part
    return whole


def subscriptions(features: Iterable[Feature]) -> Sequence[str]:
    """The contexts that any of them subscribes to, each once."""
    return list(dict.fromkeys(context for feature in features for context in feature.subscribes_to))


def merged_handler(features: Sequence[Feature], clock: Clock) -> Handler:
    """Gives each feature's `handler` the records of its contexts, and the reactors of all others the rest."""
    batches = [(feature.subscribes_to, feature.handler) for feature in features if feature.handler]
    others = [feature for feature in features if not feature.handler]
    reactors = merged("event to react to", (feature.reactors for feature in others))
    batches.append((subscriptions(others), reaction_handler(reactors, clock)))

    async def hand_out(unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        for contexts, handler in batches:
            if mine := [record for record in records if record.context in contexts]:
                await handler(unit, mine)

    return hand_out


def total_work(features: Sequence[Feature]) -> Callable[[], Awaitable[int]]:
    """Counts the pending work of all features."""
    counts = [feature.pending_work for feature in features if feature.pending_work]

    async def pending() -> int:
        return sum([await count() for count in counts])

    return pending
