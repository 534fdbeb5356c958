"""Coupons: redeemed by several at once within their limits; each period has the discounts of its coupons."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import floor
from typing import Any

from shared.billing.contracts.invoicing.invoices import (
    InvoiceDiscount,
    InvoiceDrafted,
    InvoiceFinalized,
    LineDiscount,
)
from shared.billing.contracts.subscriptions.coupons import (
    CouponApplied,
    CouponDefined,
    CouponRedeemed,
    CouponRemoved,
)
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.discounts import AmountOff, Discount, PercentageOff
from shared.framework.eventstore.records import EventRecord
from tests.simulation.capability import DAY, Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plan import Step

Happening = CouponApplied | CouponRemoved | BillingPeriodClosed
PERCENTS = ("10", "12.5", "50", "100", "0.01", "33.333333")
AMOUNTS = (1, 500, 100_000)


def plan(life: Life) -> None:
    """Up to three coupons of each tenant, which its subscriptions redeem, some of them at one moment."""
    dice = life.dice
    for tenant in life.tenants:
        mine = [one for one in life.all("subscription") if one["tenant"] == tenant]
        for number in range(dice.below(4)):
            body = _coupon(life, tenant, f"C{number}")
            defined = life.add(dice.between(3600, 4 * 3600), "coupons", "define", tenant=tenant, body=body)
            together = dice.between(DAY, life.end)
            for subscription in mine:
                for _ in range(dice.below(3)):
                    at = together if dice.happens(0.4) else dice.between(subscription["at"], life.end)
                    _redeem(life, at, subscription, defined, body["code"])


def _coupon(life: Life, tenant: str, code: str) -> dict[str, Any]:
    dice = life.dice
    body: dict[str, Any] = {"code": code, "name": code, "periods": dice.one_of((None, 1, 1, 2, 4))}
    currencies = [one["currency"] for one in life.all("customer") if one["tenant"] == tenant] or ["USD"]
    if dice.happens(0.4):
        body["amount"] = {"minor": dice.one_of(AMOUNTS), "currency": dice.one_of(currencies)}
    else:
        body["percent"] = dice.one_of(PERCENTS)
        body["charge_keys"] = dice.one_of(([], [], ["base"], ["requests", "bytes"]))
    body["redemptions_max"] = dice.one_of((None, 1, 2))
    body["redemptions_per_customer_max"] = dice.one_of((None, 1))
    return body


def _redeem(life: Life, at: float, subscription: dict[str, Any], defined: Step, code: str) -> None:
    dice, start = life.dice, subscription["step"]
    known = {"tenant": subscription["tenant"], "start": start.name, "code": code}
    applied = life.add(at, "coupons", "apply", start, defined, **known)
    if dice.happens(0.2):
        life.add(dice.between(at, life.end), "coupons", "remove", applied, **known)


async def define(client: Client, step: Step) -> bool:
    """Remembers the coupon by tenant and code."""
    tenant, body = step.arguments["tenant"], step.arguments["body"]
    answer = await client.send(Request("subscriptions", tenant, "POST", "/v1/coupons", body, key=step.name))
    if answer.is_ok:
        client.remember("coupon", (tenant, body["code"]), answer.body)
    return answer.is_ok


async def apply(client: Client, step: Step) -> bool:
    """Remembers the subscription and the coupon by the step."""
    subscription_id = client.recall("subscription", step.arguments["start"])["subscription_id"]
    coupon = client.recall("coupon", (step.arguments["tenant"], step.arguments["code"]))
    body = {"code": step.arguments["code"]}
    if done := await _post(client, step, f"/v1/subscriptions/{subscription_id}/coupons", body):
        client.remember("redemption", step.name, (subscription_id, coupon["coupon_id"]))
    return done


async def remove(client: Client, step: Step) -> bool:
    """Take the coupon from the subscription of the step `start`."""
    subscription_id = client.recall("subscription", step.arguments["start"])["subscription_id"]
    code = step.arguments["code"]
    return await _post(client, step, f"/v1/subscriptions/{subscription_id}/coupons/{code}/remove", None)


async def _post(client: Client, step: Step, path: str, body: object) -> bool:
    request = Request("subscriptions", step.arguments["tenant"], "POST", path, body, key=step.name)
    return (await client.send(request)).is_ok


def kept(facts: Facts) -> Iterator[str]:
    """Every acknowledged coupon and redemption is there; each redemption is one application."""
    defined = {event.coupon_id for _, event in facts.all(CouponDefined)}
    for body in facts.memory.get("coupon", {}).values():
        if body["coupon_id"] not in defined:
            yield f"coupon {body['code']} was acknowledged and is lost"
    redeemed = Counter((one.subscription_id, one.coupon_id) for _, one in facts.all(CouponRedeemed))
    applied = Counter((one.subscription_id, one.coupon_id) for _, one in facts.all(CouponApplied))
    acknowledged = Counter(facts.memory.get("redemption", {}).values())
    if redeemed != applied or acknowledged - applied:
        yield f"coupons are redeemed {redeemed}, applied {applied}, acknowledged {acknowledged}"


def limited(facts: Facts) -> Iterator[str]:
    """Redemptions are numbered 1..n, and no limit is exceeded, in all and of one customer."""
    terms = {event.coupon_id: event for _, event in facts.all(CouponDefined)}
    numbers: dict[str, list[int]] = defaultdict(list)
    customers: Counter[tuple[str, str]] = Counter()
    for _, event in facts.all(CouponRedeemed):
        numbers[event.coupon_id].append(event.number)
        customers[event.coupon_id, event.customer_id] += 1
    for coupon_id, found in numbers.items():
        limit = terms[coupon_id].redemptions_max
        if sorted(found) != list(range(1, len(found) + 1)) or (limit is not None and len(found) > limit):
            yield f"coupon {coupon_id} of {limit} redemptions has those of the numbers {found}"
    for (coupon_id, customer_id), count in customers.items():
        limit = terms[coupon_id].redemptions_per_customer_max
        if limit is not None and count > limit:
            yield f"customer {customer_id} has redeemed {coupon_id} {count} times, not {limit}"


def discounted(facts: Facts) -> Iterator[str]:
    """A closed period has the discounts of the coupons that were applied before it, so many times each."""
    found: list[tuple[EventRecord, Happening]] = []
    found += [*facts.all(CouponApplied), *facts.all(CouponRemoved), *facts.all(BillingPeriodClosed)]
    history: dict[str, list[Happening]] = {}
    for _, event in sorted(found, key=lambda one: one[0].version):
        history.setdefault(event.subscription_id, []).append(event)
    for subscription_id, events in history.items():
        for closed, expected in _expected(events):
            if list(closed.discounts) != expected:
                yield (
                    f"period {closed.period.start} of {subscription_id} has the discounts "
                    f"{closed.discounts}, and not {expected}"
                )


def _expected(
    events: Iterable[Happening],
) -> Iterator[tuple[BillingPeriodClosed, list[Discount]]]:
    held: dict[str, tuple[CouponApplied, list[BillingPeriodClosed]]] = {}
    for event in events:
        match event:
            case CouponApplied():
                held.pop(event.coupon_id, None)  # a spent one, which then comes last
                held[event.coupon_id] = (event, [])
            case CouponRemoved():
                del held[event.coupon_id]
            case BillingPeriodClosed():
                keys = {charge.key for charge in event.charges}
                discounts = []
                for coupon, used in held.values():
                    scope = set(coupon.discount.charge_keys)
                    has_left = coupon.periods is None or len(used) < coupon.periods
                    if has_left and (not scope or scope & keys):
                        used.append(event)
                        discounts.append(coupon.discount)
                yield event, discounts


def taken_off(facts: Facts) -> Iterator[str]:
    """What all discounts take off an invoice: percentages together, rounded once, then amounts (rule 6)."""
    closed = {(one.subscription_id, one.period.start): one for _, one in facts.all(BillingPeriodClosed)}
    drafts = {event.invoice_id: event for _, event in facts.all(InvoiceDrafted)}
    for _, invoice in facts.all(InvoiceFinalized):
        draft = drafts[invoice.invoice_id]
        discounts: Sequence[Discount] = ()
        if draft.subscription_id is not None and draft.period is not None:
            discounts = closed[draft.subscription_id, draft.period.start].discounts
        lines = [(line.charge_key, line.amount.minor) for line in invoice.lines]
        expected, off = _off(lines, discounts), _sum(invoice.discounts)
        parts = sum(_sum(line.discounts) for line in invoice.lines)
        if not off == parts == expected or invoice.subtotal.minor - off < 0:
            yield f"invoice {invoice.invoice_id} has {off} off, {parts} off its lines, and not {expected}"


def _sum(discounts: Sequence[InvoiceDiscount | LineDiscount]) -> int:
    """Without those of contracts, which contracts.py checks."""
    return sum(one.amount.minor for one in discounts if not one.discount_id.startswith("cmt_"))


def _off(lines: Sequence[tuple[str | None, int]], discounts: Sequence[Discount]) -> int:
    groups: dict[Fraction, int] = {}
    for key, amount in lines:
        kept = Fraction(1)
        for one in discounts:
            if isinstance(one.reduction, PercentageOff) and (not one.charge_keys or key in one.charge_keys):
                kept *= 1 - Fraction(one.reduction.percent) / 100
        groups[kept] = groups.get(kept, 0) + amount
    whole = sum(amount for _, amount in lines)
    off = sum(floor(amount * (1 - kept) + Fraction(1, 2)) for kept, amount in groups.items())
    amounts = (one.reduction.amount.minor for one in discounts if isinstance(one.reduction, AmountOff))
    return min(whole, off + sum(amounts))


CAPABILITY = Capability(
    name="coupons",
    order=35,
    plan=plan,
    actions={"define": define, "apply": apply, "remove": remove},
    checks={
        "I10 coupons": kept,
        "redemption limits": limited,
        "discounts of periods": discounted,
        "billing rule 6": taken_off,
    },
)
