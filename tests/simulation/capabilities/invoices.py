"""Invoices: one-offs are drafted and finalized, some twice; drafts, open and paid invoices are voided."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoicePaid, InvoiceVoided
from shared.billing.contracts.invoicing.number_series import InvoiceNumberAssigned
from tests.simulation.capability import DAY, Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plain_model import minor
from tests.simulation.plan import Step


def plan(life: Life) -> None:
    """One-off invoices of some customers, and invoices that are voided."""
    dice = life.dice
    for customer in life.all("customer"):
        for _ in range(dice.below(3)):
            _one_off(life, customer["tenant"], customer["name"], customer["step"])
    for tenant in life.tenants:
        for _ in range(dice.below(3)):
            life.add(
                dice.between(2 * DAY, life.end), "invoices", "void_any", tenant=tenant, which=dice.below(100)
            )


def _one_off(life: Life, tenant: str, customer: str, registered: Step) -> None:
    dice, at = life.dice, life.dice.between(6 * 3600, life.end)
    lines = [
        {
            "description": f"item {number}",
            "quantity": dice.one_of(("1", "3", "2.5", "0.333")),
            "unit_price": dice.one_of(("10", "0.005", "0.015", "99.99")),
        }
        for number in range(1 + dice.below(3))
    ]
    draft = life.add(at, "invoices", "draft", registered, tenant=tenant, customer=customer, lines=lines)
    for _ in range(1 + dice.happens(0.3)):
        later = at + dice.one_of((0.0, 1.0, 3600.0))
        life.add(later, "invoices", "finalize", draft, tenant=tenant, draft=draft.name)
    if dice.happens(0.3):
        later = at + dice.one_of((0.0, 0.5, 3700.0, 3 * DAY))
        life.add(later, "invoices", "void", draft, tenant=tenant, draft=draft.name)


async def draft(client: Client, step: Step) -> bool:
    """Remembers the invoice and its lines by the step."""
    tenant, lines = step.arguments["tenant"], step.arguments["lines"]
    customer = client.recall("customer", (tenant, step.arguments["customer"]))
    body = {"customer_id": customer["customer_id"], "lines": lines}
    answer = await client.send_referring(
        Request("invoicing", tenant, "POST", "/v1/invoices", body, key=step.name)
    )
    if answer.is_ok:
        client.remember("invoice", step.name, (answer.body["invoice_id"], customer["currency"], lines))
    return answer.is_ok


async def finalize(client: Client, step: Step) -> bool:
    """Remembers the response by the invoice."""
    invoice_id, *_ = client.recall("invoice", step.arguments["draft"])
    return await _post(client, step, f"/v1/invoices/{invoice_id}/finalize", None, "finalized")


async def void(client: Client, step: Step) -> bool:
    """Void a one-off."""
    invoice_id, *_ = client.recall("invoice", step.arguments["draft"])
    return await _post(client, step, f"/v1/invoices/{invoice_id}/void", {"reason": "mistake"}, "voided")


async def void_any(client: Client, step: Step) -> bool:
    """Void one of the invoices that the tenant can see, whatever its state."""
    seen = client.streams(step.arguments["tenant"], "invoicing", "inv_")
    if not seen:
        return False
    invoice_id = seen[step.arguments["which"] % len(seen)]
    return await _post(client, step, f"/v1/invoices/{invoice_id}/void", {"reason": "goodwill"}, "voided")


async def _post(client: Client, step: Step, path: str, body: object, kind: str) -> bool:
    answer = await client.send(
        Request("invoicing", step.arguments["tenant"], "POST", path, body, key=step.name)
    )
    if answer.is_ok:
        client.remember(kind, answer.body["invoice_id"], answer.body)
    return answer.is_ok


def acknowledged(facts: Facts) -> Iterator[str]:
    """What was answered has happened (I10), and a one-off is the sum of its items (billing rules 1 and 2)."""
    finalized = {event.invoice_id: event for _, event in facts.all(InvoiceFinalized)}
    voided = {event.invoice_id for _, event in facts.all(InvoiceVoided)}
    for invoice_id, body in facts.memory.get("finalized", {}).items():
        event = finalized.get(invoice_id)
        if event is None or (event.number, event.amount_due.minor) != (
            body["number"],
            body["amount_due"]["minor"],
        ):
            yield f"invoice {invoice_id} was answered as {body}, and is {event}"
    yield from (
        f"invoice {one} was voided and is not" for one in facts.memory.get("voided", {}) if one not in voided
    )
    for invoice_id, currency, lines in facts.memory.get("invoice", {}).values():
        if event := finalized.get(invoice_id):
            expected = [
                minor(Fraction(one["quantity"]) * Fraction(one["unit_price"]), currency) for one in lines
            ]
            if [line.amount.minor for line in event.lines] != expected or event.subtotal.minor != sum(
                expected
            ):
                yield f"invoice {invoice_id} of {lines} has {[line.amount for line in event.lines]}"


def numbered(facts: Facts) -> Iterator[str]:
    """Numbers are 1..n, each of one invoice, in the order of their dates (I5, billing rule 13)."""
    series: dict[str, list[tuple[str, str]]] = {}
    for record, event in facts.all(InvoiceNumberAssigned):
        series.setdefault(record.tenant_id, []).append((event.number, event.invoice_id))
    documents: dict[str, list[InvoiceFinalized]] = {}
    for record, document in facts.all(InvoiceFinalized):
        documents.setdefault(record.tenant_id, []).append(document)
    for tenant in dict.fromkeys([*series, *documents]):
        printed = sorted((one.number, one.invoice_id) for one in documents.get(tenant, []))
        if [number for number, _ in printed] != [f"INV-{n:06d}" for n in range(1, len(printed) + 1)]:
            yield f"the numbers of {tenant} are {[number for number, _ in printed]}"
        if sorted(series.get(tenant, [])) != printed:
            yield f"{tenant} has assigned {series.get(tenant)} and printed {printed}"
        dated = sorted(documents.get(tenant, []), key=lambda one: one.number)
        for before, after in pairwise(dated):
            if after.finalized_at < before.finalized_at:
                yield (
                    f"{before.number} of {tenant} has the date {before.finalized_at}, and "
                    f"{after.number} {after.finalized_at} ({after.invoice_id})"
                )


def paid_or_nothing_due(facts: Facts) -> Iterator[str]:
    """An invoice without an amount due is paid at once; no invoice is paid twice (I4)."""
    paid: dict[str, int] = {}
    for _, event in facts.all(InvoicePaid):
        paid[event.invoice_id] = paid.get(event.invoice_id, 0) + 1
    yield from (f"invoice {one} is paid {count} times" for one, count in paid.items() if count > 1)
    for _, document in facts.all(InvoiceFinalized):
        if not document.amount_due.minor and document.invoice_id not in paid:
            yield f"invoice {document.invoice_id} owes nothing and is not paid"


CAPABILITY = Capability(
    name="invoices",
    order=60,
    plan=plan,
    actions={"draft": draft, "finalize": finalize, "void": void, "void_any": void_any},
    checks={"I10 invoices": acknowledged, "I5": numbered, "I4 invoices": paid_or_nothing_due},
)
