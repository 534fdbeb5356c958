"""Subscriptions: started now or a little in the past, cancelled now or with the period; periods close."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

from shared.billing.contracts.subscriptions.subscriptions import (
    BillingPeriodClosed,
    SubscriptionCancelled,
    SubscriptionStarted,
)
from tests.simulation.capability import DAY, Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plain_model import periods_of
from tests.simulation.plan import Step

FAR = datetime(9999, 1, 1, tzinfo=UTC)
DAYS = {"P1D": 1, "P3D": 3, "P1W": 7}


def plan(life: Life) -> None:
    """One subscription of each customer, and its end."""
    for customer in life.all("customer"):
        tenant, dice = customer["tenant"], life.dice
        offer = next(
            p for p in life.all("plan") if (p["tenant"], p["currency"]) == (tenant, customer["currency"])
        )
        at = dice.between(5 * 3600, 3 * DAY)
        anchor = None if dice.happens(0.4) else float(int(at)) - dice.below(int(2 * DAY))
        starts = None if anchor is None or dice.happens(0.5) else anchor + dice.one_of((0.0, 1800.0))
        step = life.add(
            at, "subscriptions", "subscribe", customer["step"], offer["step"],
            tenant=tenant, customer=customer["name"], plan=offer["key"], anchor=anchor, starts=starts,
        )  # fmt: skip
        length = DAYS[offer["interval"]] * DAY
        life.note(
            "subscription",
            tenant=tenant,
            subject=customer["name"],
            at=at,
            anchor=anchor,
            length=length,
            step=step,
        )
        if dice.happens(0.4):
            when = dice.one_of(("now", "period_end"))
            life.add(
                dice.between(at, life.end),
                "subscriptions",
                "cancel",
                step,
                tenant=tenant,
                start=step.name,
                at=when,
            )
            if dice.happens(0.3):
                life.add(
                    dice.between(at, life.end),
                    "subscriptions",
                    "cancel",
                    step,
                    tenant=tenant,
                    start=step.name,
                    at="now",
                )


async def subscribe(client: Client, step: Step) -> bool:
    """Remembers the subscription by its step."""
    arguments, tenant = step.arguments, step.arguments["tenant"]
    customer = client.recall("customer", (tenant, arguments["customer"]))
    body = {"customer_id": customer["customer_id"], "plan_key": arguments["plan"]}
    if arguments["anchor"] is not None:
        body["anchor_at"] = client.moment(arguments["anchor"]).isoformat()
    if arguments["starts"] is not None:
        body["starts_at"] = client.moment(arguments["starts"]).isoformat()
    answer = await client.send(
        Request("subscriptions", tenant, "POST", "/v1/subscriptions", body, key=step.name)
    )
    if answer.is_ok:
        client.remember("subscription", step.name, answer.body)
    return answer.is_ok


async def cancel(client: Client, step: Step) -> bool:
    """Cancel the subscription of the step `start`."""
    subscription = client.recall("subscription", step.arguments["start"])["subscription_id"]
    path, body = f"/v1/subscriptions/{subscription}/cancel", {"at": step.arguments["at"]}
    answer = await client.send(
        Request("subscriptions", step.arguments["tenant"], "POST", path, body, key=step.name)
    )
    return answer.is_ok


def kept(facts: Facts) -> Iterator[str]:
    """Every acknowledged subscription is there, with the plan version's charges of then."""
    found = {event.subscription_id: event for _, event in facts.all(SubscriptionStarted)}
    for body in facts.memory.get("subscription", {}).values():
        if body["subscription_id"] not in found:
            yield f"subscription {body['subscription_id']} was acknowledged and is lost"


def closed_once(facts: Facts) -> Iterator[str]:
    """Periods follow each other without gap from the anchor, and each is closed once when it is over."""
    closed: dict[str, list[tuple[datetime, datetime]]] = {}
    tenants = {event.subscription_id: record.tenant_id for record, event in facts.all(SubscriptionStarted)}
    for _, event in facts.all(BillingPeriodClosed):
        closed.setdefault(event.subscription_id, []).append((event.period.start, event.period.end))
    for subscription_id, expected in periods_of(facts).items():
        now, error = facts.now_of(tenants[subscription_id]), facts.clock_error_of(tenants[subscription_id])
        over = [(one.start, one.end) for one in expected if one.end <= now]
        early = [(one.start, one.end) for one in expected if one.end <= now + error]
        found = closed.get(subscription_id, [])
        if found not in (over, early):
            yield f"subscription {subscription_id} has closed {found}, and not {over}"


def billed_by_one(facts: Facts) -> Iterator[str]:
    """At any instant one subscription bills a subject's usage of a meter."""
    spans: dict[tuple[str, str, str], list[tuple[datetime, datetime, str]]] = {}
    ends = {event.subscription_id: event.ends_at for _, event in facts.all(SubscriptionCancelled)}
    for record, event in facts.all(SubscriptionStarted):
        span = (
            event.starts_at or event.anchor_at,
            ends.get(event.subscription_id, FAR),
            event.subscription_id,
        )
        for charge in event.charges:
            if charge.meter_key is not None:
                spans.setdefault((record.tenant_id, event.subject, charge.meter_key), []).append(span)
    for key, found in spans.items():
        for before, after in pairwise(sorted(found)):
            if after[0] < before[1]:
                yield f"usage of {key} has {before[2]} to {before[1]} and {after[2]} from {after[0]}"


CAPABILITY = Capability(
    name="subscriptions",
    order=30,
    plan=plan,
    actions={"subscribe": subscribe, "cancel": cancel},
    checks={"I10 subscriptions": kept, "billing rule 10": closed_once, "billed by one": billed_by_one},
)
