"""Usage: in batches, late, twice, out of order, at the boundaries of periods, changed, invalid."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shared.billing.contracts.metering.usage_totals import UsageAggregated
from tests.simulation.capability import DAY, Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plain_model import day_of, quantities, usage_of
from tests.simulation.plan import Step
from tests.simulation.ports import UNSTORABLE

REGIONS = ("eu", "us", "", "ap")
HOUR = 3600.0
MICROSECOND = 1e-6


def plan(life: Life) -> None:
    """Batches of each subscription's subject, and some of them again."""
    numbers = dict.fromkeys(life.tenants, 0)  # two tenants use the same ids
    for subscription in life.all("subscription"):
        for at, times in _moments(life, subscription):
            events = []
            for time in times:
                number = numbers[subscription["tenant"]] = numbers[subscription["tenant"]] + 1
                events.append(_event(life, f"e{number}", subscription["subject"], time))
            life.add(at, "usage", "send", tenant=subscription["tenant"], events=events)
            _repeat(life, subscription["tenant"], at, events)
    _beside_late_meters(life)
    _unstorable(life)


def _moments(life: Life, subscription: dict[str, Any]) -> Iterator[tuple[float, list[float | None]]]:
    """When a batch is sent, and the times of its events (None: without a time)."""
    dice = life.dice
    for _ in range(3 + dice.below(5)):
        at = dice.between(subscription["at"], life.end)
        delay = dice.one_of((0.0, 60.0, HOUR, 2 * HOUR, 2 * DAY))
        times: list[float | None] = [max(at - dice.between(0, delay), 1.0) for _ in range(1 + dice.below(4))]
        yield at, [*times, None] if dice.happens(0.3) else times
    begins = subscription["anchor"] or subscription["at"]
    for _ in range(1 + dice.below(3)):
        boundary = begins + subscription["length"] * (1 + dice.below(int(life.end / subscription["length"])))
        after = dice.one_of((1.0, 600.0, 0.9 * HOUR, 2 * HOUR))
        if boundary + after < life.end:
            yield boundary + after, [boundary - MICROSECOND, boundary, boundary + MICROSECOND]


def _event(life: Life, name: str, subject: str, time: float | None) -> dict[str, Any]:
    dice = life.dice
    size = dice.one_of((dice.below(5), dice.below(1000) / 100, dice.below(10**6) / 1000, 0.5))
    data = {"size": size, "user": f"u{dice.below(4)}", "region": dice.one_of(REGIONS)}
    kind, digits = dice.one_of(("request", "login")), dice.one_of(("", "", "999"))
    return {"id": name, "type": kind, "subject": subject, "time": time, "digits": digits, "data": data}


def _repeat(life: Life, tenant: str, at: float, events: list[dict[str, Any]]) -> None:
    dice = life.dice
    if dice.happens(0.3):  # at nearly the same time, or much later
        life.add(at + dice.one_of((0.0, 0.01, 30.0, 3 * HOUR)), "usage", "send", tenant=tenant, events=events)
    if dice.happens(0.1) and events[0]["time"] is not None:
        changed = [events[0] | {"data": {"size": 77}}]
        life.add(at + dice.one_of((0.0, 0.01, 30.0)), "usage", "send", tenant=tenant, events=changed)
    if dice.happens(0.05):
        future = [events[0] | {"id": f"f-{events[0]['id']}", "time": at + DAY}]
        life.add(at, "usage", "send", tenant=tenant, events=future)


def _beside_late_meters(life: Life) -> None:
    """Usage comes in while a new meter counts the past."""
    dice = life.dice
    for number, meter in enumerate(life.all("late meter")):
        subjects = [one["subject"] for one in life.all("subscription") if one["tenant"] == meter["tenant"]]
        for batch in range(3 + dice.below(6) if subjects else 0):
            at = meter["at"] + dice.one_of((0.0, 0.01, 0.1, 0.5, 1.0, 2.0))
            event = _event(life, f"l{number}-{batch}", dice.one_of(subjects), meter["at"] - 1)
            life.add(at, "usage", "send", tenant=meter["tenant"], events=[event | {"type": "request"}])


def _unstorable(life: Life) -> None:
    """A tenant sends what the database refuses while others send: only its own request may fail."""
    for subscription in life.all("subscription"):
        if life.dice.happens(0.3):
            at = life.dice.between(subscription["at"], life.end)
            bad = _event(life, f"{UNSTORABLE}-{subscription['subject']}", "nobody", at - 1)
            life.add(at, "usage", "send", tenant=life.tenants[0], events=[bad])
            for number in range(3):
                good = _event(
                    life, f"beside-{subscription['subject']}-{number}", subscription["subject"], at - 2
                )
                life.add(at, "usage", "send", tenant=subscription["tenant"], events=[good])


async def send(client: Client, step: Step) -> bool:
    """Remembers which ids were acknowledged as accepted or as accepted before."""
    tenant = step.arguments["tenant"]
    events = [_sent(client, event) for event in step.arguments["events"]]
    answer = await client.send(Request("ingest", tenant, "POST", "/v1/events", events))
    if not answer.is_ok:
        return False
    others = {result["index"] for result in answer.body["results"] if result["status"] != "duplicate"}
    for result in answer.body["results"]:
        if result["status"] == "conflict":
            client.remember("conflict", (tenant, result["id"]), result)
    for index, event in enumerate(events):
        if index not in others:
            client.remember("usage", (tenant, event["id"]), event)
    return True


def _sent(client: Client, event: dict[str, Any]) -> dict[str, Any]:
    """The event as it is sent; `digits` are those of its time beyond the microsecond, which are cut off."""
    sent = {"specversion": "1.0", "source": "sim"} | event
    digits = sent.pop("digits")
    if event["time"] is None:
        del sent["time"]
    else:
        sent["time"] = client.moment(event["time"]).strftime(f"%Y-%m-%dT%H:%M:%S.%f{digits}+00:00")
    return sent


def counted_once(facts: Facts) -> Iterator[str]:
    """What was acknowledged is stored, as it was sent, and nothing is stored twice (I2)."""
    stored = usage_of(facts)
    times = Counter((one.tenant, one.id) for one in stored)
    days = Counter((one.tenant, one.id, day_of(one.time)) for one in stored)
    yield from (f"usage {one} is stored {count} times" for one, count in days.items() if count > 1)
    for (tenant, name), event in facts.memory.get("usage", {}).items():
        if not times[tenant, name]:
            yield f"usage {name} of {tenant} was acknowledged and is lost"
        if "time" in event and times[tenant, name] > 1:
            yield f"usage {name} of {tenant} is stored {times[tenant, name]} times"
    by_id = {(one.tenant, one.id): one for one in stored}
    yield from (
        f"{one} is in conflict with nothing" for one in facts.memory.get("conflict", {}) if one not in by_id
    )
    for (tenant, name), event in facts.memory.get("usage", {}).items():
        one = by_id.get((tenant, name))
        if one is not None and "time" in event and one.time != _cut(event["time"]):
            yield f"usage {name} of {tenant} was sent at {event['time']} and is stored at {one.time}"


def _cut(time: str) -> datetime:
    """An instant without what is beyond its microsecond (billing rule 11: it is never rounded up)."""
    return datetime.fromisoformat(time[: len("2026-01-01T00:00:00.000000")] + time[-len("+00:00") :])


def totals(facts: Facts) -> Iterator[str]:
    """The newest published total of each meter, subject and day is that of the accepted usage (I2)."""
    served: dict[tuple[Any, ...], Any] = {}
    for record, event in facts.all(UsageAggregated):
        for window in event.windows:
            key = (
                record.tenant_id,
                window.meter_key,
                window.subject,
                window.day,
                tuple(window.dimensions.items()),
            )
            served[key] = window.value
    expected: dict[tuple[Any, ...], Any] = {}
    by_day: dict[tuple[Any, ...], list[Any]] = {}
    for one in usage_of(facts):
        by_day.setdefault((one.tenant, one.subject, day_of(one.time).isoformat()), []).append(one)
    for (tenant, key), meter in facts.memory.get("meter", {}).items():
        for (owner, subject, day), events in by_day.items():
            if owner == tenant:
                for dimensions, quantity in quantities(meter, events).items():
                    expected[tenant, key, subject, day, dimensions] = quantity
    for name in dict.fromkeys([*served, *expected]):
        if name[:2] in facts.memory.get("meter", {}) and served.get(name) != expected.get(name):
            yield f"usage of {name} is served as {served.get(name)}, and was {expected.get(name)}"


CAPABILITY = Capability(
    name="usage",
    order=40,
    plan=plan,
    actions={"send": send},
    checks={"I2 ids": counted_once, "I2 totals": totals},
)
