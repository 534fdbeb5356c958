"""The catalogue: meters of every aggregation, and plans whose versions change while they are in use."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.contracts.subscriptions.plans import PlanPublished
from tests.simulation.capability import DAY, Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plan import Step

METERS: tuple[dict[str, Any], ...] = (
    {"key": "requests", "event_type": "request", "aggregation": "count"},
    {"key": "bytes", "event_type": "request", "aggregation": "sum", "value_path": "size"},
    {"key": "users", "event_type": "login", "aggregation": "unique_count", "value_path": "user"},
    {
        "key": "by_region",
        "event_type": "request",
        "aggregation": "sum",
        "value_path": "size",
        "group_by": ["region"],
    },
    {"key": "eu_logins", "event_type": "login", "aggregation": "count", "filter": {"region": ["eu"]}},
)
INTERVALS = ("P1D", "P3D", "P1W")
UNIT_PRICES = ("0.005", "0.015", "0.125", "0.3333", "0.0475", "2", "0.000001", "17.5")


def plan(life: Life) -> None:
    """Meters in the first hour, and up to three days later; a plan per currency; some new versions."""
    for tenant in life.tenants:
        meters = {}
        for meter in METERS:
            step = life.add(life.dice.between(1, 3600), "catalogue", "define", tenant=tenant, body=meter)
            meters[meter["key"]] = step
        for number in range(life.dice.below(4)):
            body = {"key": f"late_{number}", "event_type": "request", "aggregation": "count"}
            at = life.dice.between(DAY, life.end - DAY)
            life.add(at, "catalogue", "define", tenant=tenant, body=body)
            life.note("late meter", tenant=tenant, at=at)
        if life.dice.happens(0.3):
            other = METERS[0] | {"event_type": "login"}
            life.add(
                life.dice.between(3600, DAY),
                "catalogue",
                "define",
                meters["requests"],
                tenant=tenant,
                body=other,
            )
        for currency in dict.fromkeys(c["currency"] for c in life.all("customer") if c["tenant"] == tenant):
            _plan_of(life, tenant, currency, meters)


def _plan_of(life: Life, tenant: str, currency: str, meters: dict[str, Step]) -> None:
    dice = life.dice
    interval = dice.one_of(INTERVALS)
    body = {"key": f"plan-{currency}", "name": "Plan", "currency": currency, "interval": interval}
    first = body | {"charges": _charges(life)}
    step = life.add(
        dice.between(3600, 7200), "catalogue", "publish", *meters.values(), tenant=tenant, body=first
    )
    life.note("plan", tenant=tenant, currency=currency, key=body["key"], interval=interval, step=step)
    for _ in range(dice.below(3)):
        later = body | {"charges": _charges(life)}
        life.add(dice.between(3 * 3600, life.end), "catalogue", "publish", step, tenant=tenant, body=later)
    if dice.happens(0.2):
        wrong = body | {
            "charges": [{"key": "x", "name": "X", "price": {"model": "per_unit", "unit_price": "1"}}]
        }
        life.add(dice.between(7200, life.end), "catalogue", "publish", tenant=tenant, body=wrong)


def _charges(life: Life) -> list[dict[str, Any]]:
    dice, charges = life.dice, []
    if dice.happens(0.7):
        price = {"model": "flat", "amount": dice.one_of(("10", "29.85", "9.99", "0.5", "100"))}
        charges.append({"key": "base", "name": "Base", "price": price})
    for meter in METERS:
        if dice.happens(0.5) or not charges:
            charges.append(
                {"key": meter["key"], "name": meter["key"], "meter_key": meter["key"], "price": _price(life)}
            )
    return charges


def _price(life: Life) -> dict[str, Any]:
    dice = life.dice
    if dice.happens(0.5):
        return {"model": "per_unit", "unit_price": dice.one_of(UNIT_PRICES)}
    first, second = dice.one_of(((1, 3), (2, 2.5), (5, 100), (0.1, 10)))
    return {
        "model": "graduated",
        "flat_at_zero": dice.happens(0.5),
        "tiers": [
            {"up_to": str(first), "unit_price": dice.one_of(UNIT_PRICES), "flat_fee": "0.5"},
            {
                "up_to": str(second),
                "unit_price": dice.one_of(UNIT_PRICES),
                "flat_fee": dice.one_of(("0", "3")),
            },
            {"up_to": None, "unit_price": dice.one_of(UNIT_PRICES), "flat_fee": "0"},
        ],
    }


async def define(client: Client, step: Step) -> bool:
    """Remembers the meter by tenant and key."""
    tenant, body = step.arguments["tenant"], step.arguments["body"]
    answer = await client.send(Request("metering", tenant, "POST", "/v1/meters", body, key=step.name))
    if answer.is_ok:
        client.remember("meter", (tenant, body["key"]), body)
    return answer.is_ok


async def publish(client: Client, step: Step) -> bool:
    """Remembers the posted charges by tenant, plan and version."""
    tenant, body = step.arguments["tenant"], step.arguments["body"]
    answer = await client.send_referring(
        Request("subscriptions", tenant, "POST", "/v1/plans", body, key=step.name)
    )
    if answer.is_ok:
        client.remember("plan", (tenant, body["key"], answer.body["version"]), body)
    return answer.is_ok


def plans_kept(facts: Facts) -> Iterator[str]:
    """Versions are 1..n, and each has the charges that were posted."""
    versions: dict[tuple[str, str], list[PlanPublished]] = {}
    for record, event in facts.all(PlanPublished):
        versions.setdefault((record.tenant_id, event.key), []).append(event)
    for (tenant, key), events in versions.items():
        if [event.version for event in events] != list(range(1, len(events) + 1)):
            yield f"plan {key} of {tenant} has the versions {[event.version for event in events]}"
    for (tenant, key, version), body in facts.memory.get("plan", {}).items():
        events = versions.get((tenant, key), [])
        stored = (
            [_posted(charge) for charge in events[version - 1].charges] if version <= len(events) else None
        )
        if stored is None or not is_as_posted(stored, body["charges"]):
            yield f"plan {key} version {version} of {tenant} was posted as {body['charges']}, and is {stored}"


def _posted(charge: Any) -> dict[str, Any]:
    return json.loads(msgspec.json.encode(charge))  # type: ignore[no-any-return]


def is_as_posted(stored: list[dict[str, Any]], posted: list[dict[str, Any]]) -> bool:
    """Whether charges are those that were posted; what was not posted has a default."""
    return len(stored) == len(posted) and all(
        one.items() >= charge.items() for one, charge in zip(stored, posted, strict=True)
    )


def meters_kept(facts: Facts) -> Iterator[str]:
    """Every acknowledged meter is there once."""
    found = [(record.tenant_id, event.key) for record, event in facts.all(MeterDefined)]
    yield from (f"meter {one} is defined twice" for one in set(found) if found.count(one) > 1)
    yield from (f"meter {one} is lost" for one in facts.memory.get("meter", {}) if one not in found)


CAPABILITY = Capability(
    name="catalogue",
    order=20,
    plan=plan,
    actions={"define": define, "publish": publish},
    checks={"I10 plans": plans_kept, "I10 meters": meters_kept},
)
