"""Features of one service are put together, and two that claim the same name are refused."""

from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.responses import Response

from shared.framework.core.event import Event
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import Append, ChangeSet, EventRecord
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork
from shared.framework.messaging.handlers import Handler
from shared.framework.process.feature import Feature, FeaturesCollide
from shared.framework.process.service_definition import ServiceDefinition
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.store_examples import (
    EXAMPLES,
    METADATA,
    TENANT,
    ClockMoved,
    NoteTaken,
    registered,
)
from shared.framework.timers.timer import TimerHandler

CLOCK = FakeClock()


async def decide(session: Session, timer: Any, answer: Any) -> None:
    """Nothing."""


async def endless() -> None:
    """Nothing."""


async def react(session: Session, event: Event, record: EventRecord) -> None:
    """Nothing."""


TIMER, ROUTE = TimerHandler(decide=decide), Response()


async def record_of(context: str) -> EventRecord:
    store = MemoryEventStore(context, CLOCK, EXAMPLES)
    await store.commit(ChangeSet(appends=[Append(TENANT, "cus_1", 0, (registered(),), METADATA)]))
    [record] = await store.read_stable(0, 1)
    return record


def counting(name: str, calls: list[tuple[str, int]]) -> Handler:
    async def handler(unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        calls.append((name, len(records)))

    return handler


async def deliver(service: ServiceDefinition, *records: EventRecord) -> None:
    assert service.handler is not None
    await service.handler(UnitOfWork(MemoryEventStore("invoicing", CLOCK, EXAMPLES)), records)


async def test_a_service_has_the_parts_of_all_its_features() -> None:
    """In the order of the features; pending work is added up, and a context is subscribed to once."""

    async def two() -> int:
        return 2

    async def three() -> int:
        return 3

    one, other = APIRouter(), APIRouter()
    service = ServiceDefinition.of(
        Feature(routers=[one], subscribes_to=["subscriptions"], timers={"a": TIMER}, pending_work=two),
        Feature(raw_routes={"/raw": ROUTE}, tasks={"t": endless}, checks={"c": endless}),
        Feature(routers=[other], subscribes_to=["payments", "subscriptions"], pending_work=three),
        clock=CLOCK,
        consumer="named",
        batch=7,
        close=endless,
    )
    assert list(service.routers) == [one, other]
    assert list(service.subscribes_to) == ["subscriptions", "payments"]
    assert (dict(service.raw_routes), dict(service.timers)) == ({"/raw": ROUTE}, {"a": TIMER})
    assert (dict(service.tasks), dict(service.checks)) == ({"t": endless}, {"c": endless})
    assert (service.consumer, service.batch, service.close) == ("named", 7, endless)
    assert service.pending_work is not None
    assert await service.pending_work() == 5


def test_without_subscriptions_there_is_no_handler() -> None:
    """So the process starts no consumer."""
    assert ServiceDefinition.of(Feature(timers={"a": TIMER}), clock=CLOCK).handler is None


@pytest.mark.parametrize(
    ("feature", "named"),
    [
        (Feature(timers={"take-reading": TIMER}), "timer purpose: take-reading"),
        (Feature(tasks={"writer": endless}), "task: writer"),
        (Feature(raw_routes={"/v1/events": ROUTE}), "raw path: /v1/events"),
        (Feature(checks={"redis": endless}), "check: redis"),
        (Feature(subscribes_to=["invoicing"], reactors={ClockMoved: react}), "ClockMoved"),
    ],
)
def test_two_features_with_the_same_name_are_refused(feature: Feature, named: str) -> None:
    """One of them would silently be lost."""
    with pytest.raises(FeaturesCollide, match=named):
        ServiceDefinition.of(feature, feature, clock=CLOCK)


def test_a_feature_with_a_batch_handler_has_no_reactors() -> None:
    """They would never be called."""
    with pytest.raises(ValueError, match="not both"):
        Feature(handler=counting("x", []), reactors={NoteTaken: react})


async def test_each_context_can_have_a_handler_of_its_own() -> None:
    """One unit of work, several ways to take things in."""
    heard: list[tuple[str, int]] = []
    service = ServiceDefinition.of(
        Feature(subscribes_to=["subscriptions"], handler=counting("s", heard)),
        Feature(subscribes_to=["payments"], handler=counting("p", heard)),
        Feature(subscribes_to=["ingest"], handler=counting("i", heard)),
        clock=CLOCK,
    )
    one, two = await record_of("subscriptions"), await record_of("payments")
    await deliver(service, one, two, one)
    assert heard == [("s", 2), ("p", 1)]


async def test_reactors_get_the_events_of_their_contexts_beside_a_batch_handler() -> None:
    """In the order in which they came."""
    batches: list[tuple[str, int]] = []
    events: list[tuple[str, Event]] = []

    async def note(session: Session, event: NoteTaken, record: EventRecord) -> None:
        events.append((record.context, event))

    service = ServiceDefinition.of(
        Feature(subscribes_to=["ingest"], handler=counting("usage", batches)),
        Feature(subscribes_to=["subscriptions"], reactors={NoteTaken: note}),
        Feature(subscribes_to=["payments"], reactors={ClockMoved: react}),
        clock=CLOCK,
    )
    contexts = ("payments", "ingest", "subscriptions", "payments", "ingest")
    await deliver(service, *[await record_of(context) for context in contexts])
    assert batches == [("usage", 2)]
    assert [context for context, _ in events] == ["payments", "subscriptions", "payments"]
