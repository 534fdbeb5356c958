"""Usage as ingest publishes it, meters as tenants define them, and an oracle that shares no code."""

import json
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from shared.billing.contracts.ingest.usage import UsageEvent, UsageRecorded
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.core.event import Metadata
from shared.framework.core.ids import derived_id, slot_of
from shared.framework.eventstore.contracts import encode
from shared.framework.eventstore.records import EventRecord

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = "nyc"


class SkippingSleeper:
    """A sleep moves the elapsed time, does `meanwhile` if that is given, and returns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def sleep(self, seconds: float, wake: object = None) -> bool:
        self.now += seconds
        if self.meanwhile:
            await self.meanwhile()
        return False

    def elapsed(self) -> float:
        return self.now


def usage(subject: str = "UA", /, time: datetime = NOON, type_: str = "flight", **data: Any) -> UsageEvent:
    """One event."""
    raw = msgspec.Raw(json.dumps(data).encode())
    return UsageEvent(id="e", source="s", type=type_, subject=subject, time=time, data=raw)


def record(
    events: Iterable[UsageEvent], position: int, tenant_id: str = TENANT, previous: int = 0
) -> EventRecord:
    """A stored batch."""
    batch = UsageRecorded(batch_id=f"ub_{position}", accepted_at=NOON, events=tuple(events))
    return EventRecord(
        context="ingest",
        tenant_id=tenant_id,
        stream_id=batch.batch_id,
        version=1,
        wire_name=batch.wire_name,
        state=encode(batch),
        position=position,
        slot=slot_of(tenant_id),
        event_id=UUID(int=position),
        metadata=Metadata(correlation_id="c", actor="a", occurred_at=NOON),
        recorded_at=NOON,
        previous=previous,
    )


def meter(key: str, aggregation: str = "count", **changes: Any) -> MeterDefined:
    """A meter over flights."""
    definition: dict[str, Any] = {
        "meter_id": derived_id("mtr", TENANT, key),
        "key": key,
        "event_type": "flight",
        "aggregation": aggregation,
        "value_path": None if aggregation == "count" else "value",
        "group_by": (),
        "filter": {},
        "defined_at": NOON,
        **changes,
    }
    return MeterDefined(**definition)


METERS = (
    meter("count"),
    meter("sum", "sum"),
    meter("unique", "unique_count"),
    meter("sum-by-origin", "sum", group_by=("origin",)),
    meter("unique-by-origin", "unique_count", group_by=("origin",)),
    meter("count-jfk", filter={"origin": ("JFK",)}),
    meter("max", "max"),
    meter("max-by-origin", "max", group_by=("origin",)),
)


def much_usage(dice: random.Random, count: int) -> list[UsageEvent]:
    """Three subjects over five days, some values missing or no numbers, many repeated."""
    start = NOON - timedelta(days=5)
    values: Sequence[Any] = [*range(-3, 9), "2.25", "0.000000000001", 10**19, None, "n/a", True]
    events = []
    for _ in range(count):
        data = {"origin": dice.choice(["JFK", "EWR", "LGA", None])}
        value = dice.choice(values)
        if value is not None:
            data["value"] = value
        time = start + timedelta(seconds=dice.randrange(5 * 86400), microseconds=dice.randrange(10**6))
        events.append(
            usage(dice.choice(["UA", "DL", "B6"]), time, dice.choice(["flight", "flight", "bus"]), **data)
        )
    return events


def oracle(
    events: Iterable[UsageEvent], meter: MeterDefined, subject: str, start: datetime, end: datetime
) -> dict[tuple[str, ...], Decimal]:
    """The total of one meter in [start, end) per combination of dimensions, one event at a time."""
    groups: defaultdict[tuple[str, ...], list[Any]] = defaultdict(list)
    for event in events:
        data = json.loads(bytes(event.data))
        if event.type != meter.event_type or event.subject != subject or not start <= event.time < end:
            continue
        if any((data.get(path) or "") not in texts for path, texts in meter.filter.items()):
            continue
        value = data.get("value")
        if meter.aggregation in ("sum", "max") and (isinstance(value, bool) or value in (None, "n/a")):
            continue
        if meter.aggregation == "unique_count" and value is None:
            continue
        groups[tuple(data.get(path) or "" for path in meter.group_by)].append(value)
    if meter.aggregation == "sum":
        # In integers, so that this shares not even the decimal context.
        exact = {group: sum(int(Decimal(str(v)).scaleb(12)) for v in vs) for group, vs in groups.items()}
        return {group: Decimal(f"{units}e-12") for group, units in exact.items()}
    if meter.aggregation == "max":
        return {group: max(Decimal(str(v)) for v in vs) for group, vs in groups.items()}
    if meter.aggregation == "unique_count":
        return {group: Decimal(len({json.dumps(v) for v in vs})) for group, vs in groups.items()}
    return {group: Decimal(len(vs)) for group, vs in groups.items()}
