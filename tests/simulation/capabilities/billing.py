"""Billing: for each closed period one invoice, which is the usage of the period times the price of then."""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import msgspec

from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.billing.contracts.invoicing.invoices import InvoiceDrafted, InvoiceFinalized, InvoiceVoided
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, SubscriptionStarted
from tests.simulation.capabilities.catalogue import is_as_posted
from tests.simulation.capability import Capability, Life
from tests.simulation.facts import Facts
from tests.simulation.plain_model import (
    GRACE,
    PlainPeriod,
    flat_of,
    local_days,
    minor,
    periods_of,
    price_of,
    quantities,
    usage_of,
)


def plan(_: Life) -> None:
    """Billing happens by itself."""


def read_once(facts: Facts) -> Iterator[str]:
    """A period is read once, after the grace, with all usage accepted by then (billing rule 11)."""
    readings: dict[tuple[str, Any], UsageReadingTaken] = {}
    closed_at = {
        (event.subscription_id, event.period.start): event.closed_at
        for _, event in facts.all(BillingPeriodClosed)
    }
    for record, event in facts.all(UsageReadingTaken):
        key = (event.subscription_id, event.period.start)
        if key in readings:
            yield f"period {key} is read twice"
        readings[key] = event
        if key not in closed_at and event.subscription_id in facts.lost:
            continue
        due = max(event.period.end, closed_at[key]) + GRACE - facts.clock_error_of(record.tenant_id)
        accepted = [
            (batch, facts.occurred_at(batch))
            for batch, _ in facts.all(UsageRecorded)
            if batch.tenant_id == record.tenant_id
        ]
        missed = [
            batch.stream_id for batch, at in accepted if at < due and batch.position > event.cutoff_position
        ]
        if missed:
            yield f"the reading of {key} misses the usage {missed} that was accepted before {due}"
        later = [b.stream_id for b, at in accepted if at > due and b.position <= event.cutoff_position]
        if later and record.metadata.test_clock and record.tenant_id not in facts.left_behind():
            yield f"the reading of {key} at {due} counts the usage {later} that was accepted after the leap"
    tenants = {event.subscription_id: record.tenant_id for record, event in facts.all(SubscriptionStarted)}
    for subscription_id, periods in periods_of(facts).items():
        for one in periods:
            key = (subscription_id, one.start)
            due = max(one.end, closed_at.get(key, one.end)) + GRACE
            if due <= facts.now_of(tenants[subscription_id]) and key not in readings:
                yield f"period {one.start} of {subscription_id} is over since {one.end} and not read"


def billed(facts: Facts) -> Iterator[str]:
    """billed = usage x price of then; one invoice per period."""
    started = {event.subscription_id: (r.tenant_id, event) for r, event in facts.all(SubscriptionStarted)}
    periods = {(sub, one.start): one for sub, found in periods_of(facts).items() for one in found}
    drafts: dict[tuple[str | None, Any], str] = {}
    for _, draft in facts.all(InvoiceDrafted):
        if draft.period is not None:
            if (draft.subscription_id, draft.period.start) in drafts:
                yield f"period {draft.period.start} of {draft.subscription_id} has two invoices"
            drafts[draft.subscription_id, draft.period.start] = draft.invoice_id
    invoices = {event.invoice_id: event for _, event in facts.all(InvoiceFinalized)}
    voided = {event.invoice_id for _, event in facts.all(InvoiceVoided)}
    usage = usage_of(facts)
    for record, reading in facts.all(UsageReadingTaken):
        key = (reading.subscription_id, reading.period.start)
        invoice_id = drafts.get(key)
        invoice = invoices.get(invoice_id or "")
        if not facts.lost.isdisjoint({reading.subscription_id, reading.reading_id, str(invoice_id)}):
            continue  # a restore has lost a part of what the invoice was made of
        if facts.has_lost_usage(reading.cutoff_position):
            continue
        if invoice is None:
            if invoice_id not in voided:
                yield f"period {key} was read at {reading.taken_at} and is not billed"
            continue
        tenant, subscription = started[reading.subscription_id]
        if tenant != record.tenant_id or key not in periods:
            yield f"the reading of {key} belongs to no period of {tenant}"
            continue
        counted = [
            one
            for one in usage
            if (one.tenant, one.subject) == (tenant, subscription.subject)
            and one.position <= reading.cutoff_position
        ]
        meters = {(tenant, charge.meter_key) for charge in subscription.charges if charge.meter_key}
        if facts.restores and not meters <= facts.memory["meter"].keys():
            continue
        expected = _lines(facts, tenant, subscription, periods[key], counted)
        charged = [line for line in invoice.lines if line.charge_key is not None]  # not those of contracts
        found = sorted((str(line.charge_key), Fraction(line.amount.minor)) for line in charged)
        if found != expected:
            lines = f"{_shown(found)}, and not {_shown(expected)}"
            yield f"invoice {invoice.invoice_id} for {key} has the lines {lines}"


def _shown(lines: list[tuple[str, Fraction]]) -> str:
    return ", ".join(f"{key} {amount}" for key, amount in lines)


def _lines(
    facts: Facts, tenant: str, subscription: SubscriptionStarted, period: PlainPeriod, usage: list[Any]
) -> list[tuple[str, Fraction]]:
    lines = []
    inside = [one for one in usage if period.start <= one.time < period.end]
    for charge in _charges(subscription):
        price = charge["price"]
        if price["model"] == "flat":
            days = local_days(period.start, period.end, subscription.time_zone)
            full_days = local_days(period.full_start, period.full_end, subscription.time_zone)
            amounts = [flat_of(price, days, full_days)]
        else:
            meter = facts.memory["meter"][tenant, charge["meter_key"]]
            counted = quantities(meter, inside) or {(): Fraction(0)}
            amounts = [price_of(price, quantity) for quantity in counted.values()]
        lines += [(charge["key"], Fraction(minor(amount, subscription.currency))) for amount in amounts]
    return sorted(lines)


def _charges(subscription: SubscriptionStarted) -> list[dict[str, Any]]:
    return [json.loads(msgspec.json.encode(charge)) for charge in subscription.charges]


def price_of_then(facts: Facts) -> Iterator[str]:
    """A subscription keeps the charges of the plan version with which it was started."""
    for record, event in facts.all(SubscriptionStarted):
        key = (record.tenant_id, f"plan-{event.currency}", event.plan_version)
        posted = facts.memory.get("plan", {}).get(key)
        if posted is not None and not is_as_posted(_charges(event), posted["charges"]):
            yield f"subscription {event.subscription_id} has {_charges(event)}, not {posted['charges']}"


CAPABILITY = Capability(
    name="billing",
    order=50,
    plan=plan,
    checks={"billing rule 11": read_once, "billing rule 1": billed, "price of then": price_of_then},
)
