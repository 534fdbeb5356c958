"""Payments: cards that succeed, fail or do not answer; manual attempts; one capture per amount due."""

from collections.abc import Iterator

from services.payments.gateways.sandbox.ledger import ChargeStatus
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoicePaid, InvoiceVoided
from shared.billing.contracts.payments.collections import (
    CollectionCancelled,
    CollectionCompleted,
    CollectionGaveUp,
    CollectionStarted,
)
from shared.billing.contracts.payments.payments import PaymentRequested, PaymentSucceeded
from shared.billing.contracts.payments.refunds import RefundIssued
from tests.simulation.capability import DAY, Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plan import Step

OUTCOMES = ("ok", "soft", "hard", "timeout_before", "timeout_after", "error_after", "slow", "refund_timeout")


def plan(life: Life) -> None:
    """Most customers have a card, some another one later; some invoices are collected by hand."""
    dice = life.dice
    for number, customer in enumerate(life.all("customer")):
        for which in range(dice.below(3)):
            steps = [dice.one_of(OUTCOMES) for _ in range(dice.below(4))] + ["ok"]
            token = f"tok_{'-'.join(steps)}.{number}-{which}"
            at = dice.between(3600, 2 * DAY if which == 0 else life.end)
            life.add(
                at,
                "payments",
                "attach",
                customer["step"],
                tenant=customer["tenant"],
                customer=customer["name"],
                token=token,
            )
    for tenant in life.tenants:
        for _ in range(dice.below(4)):
            life.add(dice.between(DAY, life.end), "payments", "collect", tenant=tenant, which=dice.below(100))


async def attach(client: Client, step: Step) -> bool:
    """Attach a card."""
    tenant = step.arguments["tenant"]
    customer = client.recall("customer", (tenant, step.arguments["customer"]))
    body = {"customer_id": customer["customer_id"], "gateway": "sandbox", "token": step.arguments["token"]}
    return (
        await client.send_referring(
            Request("payments", tenant, "POST", "/v1/payment-methods", body, key=step.name)
        )
    ).is_ok


async def collect(client: Client, step: Step) -> bool:
    """Collect one of the invoices that the tenant can see."""
    tenant = step.arguments["tenant"]
    seen = client.streams(tenant, "invoicing", "inv_")
    if not seen:
        return False
    path = f"/v1/invoices/{seen[step.arguments['which'] % len(seen)]}/collect"
    return (await client.send(Request("payments", tenant, "POST", path, key=step.name))).is_ok


def captured_once(facts: Facts) -> Iterator[str]:
    """I3, I4: at the gateway, each invoice has at most one capture, which the events know of."""
    invoice_of = {event.payment_id: event for _, event in facts.all(PaymentRequested)}
    due = {event.invoice_id: event.amount_due for _, event in facts.all(InvoiceFinalized)}
    refunded = {one.charge_reference: one.amount for one in facts.refunds}
    captures: dict[str, list[tuple[str, str]]] = {}
    for charge in facts.charges:
        if charge.status is ChargeStatus.CHARGED and charge.charged_at <= facts.now:
            order = invoice_of.get(charge.key)
            if order is None:
                if facts.lost.isdisjoint({charge.key, charge.card}):
                    yield f"charge {charge.key} belongs to no payment"
                continue
            captures.setdefault(order.invoice_id, []).append((charge.key, charge.reference))
            if order.invoice_id not in facts.lost and charge.amount != due.get(order.invoice_id):
                yield f"charge {charge.key} is {charge.amount}, and {due.get(order.invoice_id)} is due"
    for invoice_id, found in captures.items():
        if len(found) > 1:
            yield f"invoice {invoice_id} is captured {len(found)} times: {found}"
    known = {event.gateway_reference: event for _, event in facts.all(PaymentSucceeded)}
    issued, waiting = {event.payment_id for _, event in facts.all(RefundIssued)}, facts.timers["payments"]
    for reference, event in known.items():
        if (event.payment_id, reference) not in captures.get(event.invoice_id, []):
            yield f"payment {event.payment_id} succeeded, and the gateway has no capture {reference}"
        is_being_refunded = any(timer.payload.get("payment_id") == event.payment_id for timer in waiting)
        if (event.payment_id in issued) != (reference in refunded) and not is_being_refunded:
            yield f"payment {event.payment_id}: the gateway and the events do not agree on its refund"


def paid_is_captured(facts: Facts) -> Iterator[str]:
    """A payment that succeeded has its invoice paid, or is refunded because the invoice was voided."""
    paid = {event.invoice_id: event.payment_id for _, event in facts.all(InvoicePaid)}
    voided = {event.invoice_id for _, event in facts.all(InvoiceVoided)}
    issued = {event.payment_id for _, event in facts.all(RefundIssued)}
    waiting = {timer.payload.get("payment_id") for timer in facts.timers["payments"]}
    for _, event in facts.all(PaymentSucceeded):
        if event.invoice_id in facts.lost:
            continue
        if event.invoice_id not in voided and paid.get(event.invoice_id) != event.payment_id:
            yield f"payment {event.payment_id} succeeded, and invoice {event.invoice_id} is not paid by it"
        if event.invoice_id in voided and event.payment_id not in issued | waiting:
            yield f"payment {event.payment_id} of the voided invoice {event.invoice_id} is not refunded"
        if event.invoice_id not in voided and event.payment_id in issued:
            yield f"payment {event.payment_id} is refunded, and invoice {event.invoice_id} is not voided"


def collections_go_on(facts: Facts) -> Iterator[str]:
    """I9: each amount due is collected, given up or cancelled, or a timer waits for its next attempt."""
    started = {event.invoice_id: event for _, event in facts.all(CollectionStarted)}
    cancelled = {event.invoice_id for _, event in facts.all(CollectionCancelled)}
    over = cancelled | {event.invoice_id for _, event in facts.all(CollectionCompleted)}
    over |= {event.invoice_id for _, event in facts.all(CollectionGaveUp)}
    invoice_of = {event.payment_id: event.invoice_id for _, event in facts.all(PaymentRequested)}
    collection_of = {event.collection_id: event.invoice_id for event in started.values()}
    waiting = {
        invoice_of.get(timer.payload.get("payment_id", ""))
        or collection_of.get(timer.payload.get("collection_id", ""))
        for timer in facts.timers["payments"]
    }
    for _, invoice in facts.all(InvoiceFinalized):
        invoice_id = invoice.invoice_id
        if invoice.amount_due.minor and invoice_id not in started and invoice_id not in cancelled:
            yield f"invoice {invoice_id} is not collected"
        if invoice_id in started and invoice_id not in over and invoice_id not in waiting:
            yield f"the collection of invoice {invoice_id} stands still"


CAPABILITY = Capability(
    name="payments",
    order=70,
    plan=plan,
    actions={"attach": attach, "collect": collect},
    checks={"I3": captured_once, "I4": paid_is_captured, "I9": collections_go_on},
)
