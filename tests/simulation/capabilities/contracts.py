"""Contracts: signed, some terminated; what they add to invoices and bill is worked out again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any

from shared.billing.contracts.invoicing.commitments import (
    CommitmentClosed,
    PrepaidCommitmentInvoiced,
    TerminationFeeInvoiced,
)
from shared.billing.contracts.invoicing.contract_terms import ContractEndRecorded, ContractTermsRecorded
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLine,
    InvoiceVoided,
)
from shared.billing.contracts.subscriptions.contracts import ContractSigned, ContractTerminated
from shared.framework.core.event import Event
from tests.simulation.capability import DAY, Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plain_model import PLACES, local_days
from tests.simulation.plan import Step

CLOSES_AFTER = timedelta(hours=2)


def plan(life: Life) -> None:
    """Contracts of some customers; a second one overlaps the first, and some are terminated."""
    dice = life.dice
    for customer in life.all("customer"):
        if dice.happens(0.4):
            continue
        kind = dice.one_of(("minimum", "prepaid", "postpaid"))
        body: dict[str, Any] = {
            "name": "Frame",
            "kind": kind,
            "interval": dice.one_of(("P1D", "P3D", "P1W")),
            "period_count": 1 + dice.below(6),
            "commitments": [dice.one_of(("0", "3", "40", "900"))],
            "termination_fee": {"share": dice.one_of(("0", "0.5", "1"))},
        }
        if kind == "minimum":
            body["volume_discounts"] = [{"above": "2", "rate": "0.05"}, {"above": "30", "rate": "0.125"}]
        elif dice.happens(0.7):
            body["overage"] = {"multiplier": dice.one_of(("1.5", "2", "1.333"))}
        at, names = (
            dice.between(5 * 3600, 4 * DAY),
            {"tenant": customer["tenant"], "customer": customer["name"]},
        )
        step = life.add(at, "contracts", "sign", customer["step"], body=body, **names)
        if dice.happens(0.3):
            life.add(at + 60, "contracts", "overlap", step, first=step.name, body=body, **names)
        if dice.happens(0.4):
            later = at + dice.one_of((0.0, 1800.0, DAY, 2.5 * DAY))
            life.add(later, "contracts", "terminate", step, tenant=customer["tenant"], contract=step.name)


async def sign(client: Client, step: Step) -> bool:
    """Remembers the contract by its step."""
    answer = await client.send(_signing(client, step))
    if answer.is_ok:
        client.remember("contract", step.name, answer.body)
    return answer.is_ok


async def overlap(client: Client, step: Step) -> bool:
    """Remembers with what a second contract was answered."""
    answer = await client.send(_signing(client, step))
    first = client.recall("contract", step.arguments["first"])["contract_id"]
    client.remember("overlap", step.name, (first, answer.code, answer.body))
    return True


def _signing(client: Client, step: Step) -> Request:
    tenant = step.arguments["tenant"]
    customer = client.recall("customer", (tenant, step.arguments["customer"]))
    body = {"customer_id": customer["customer_id"], **step.arguments["body"]}
    return Request("subscriptions", tenant, "POST", "/v1/contracts", body, key=step.name)


async def terminate(client: Client, step: Step) -> bool:
    """Terminate the contract of a step, now."""
    contract_id = client.recall("contract", step.arguments["contract"])["contract_id"]
    path = f"/v1/contracts/{contract_id}/terminate"
    tenant = step.arguments["tenant"]
    answer = await client.send(Request("subscriptions", tenant, "POST", path, {}, key=step.name))
    return answer.is_ok


def kept(facts: Facts) -> Iterator[str]:
    """Acknowledged contracts are there; two of one customer have no instant in common."""
    signed = {event.contract_id: event for _, event in facts.all(ContractSigned)}
    ends = {event.contract_id: event.ends_at for _, event in facts.all(ContractTerminated)}
    for body in facts.memory.get("contract", {}).values():
        if body["contract_id"] not in signed:
            yield f"contract {body['contract_id']} was acknowledged and is lost"
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for event in signed.values():
        span = (event.starts_at, ends.get(event.contract_id, event.ends_at))
        for other in spans.setdefault(event.customer_id, []):
            if max(span[0], other[0]) < min(span[1], other[1]):
                yield f"customer {event.customer_id} has contracts of {span} and {other}"
        spans[event.customer_id].append(span)


@dataclass(slots=True)
class PlainPeriod:
    """One period of a contract: its bounds, its whole commitment in minor units, what counts in it."""

    start: datetime
    end: datetime
    full_end: datetime
    amount: int
    invoices: dict[str, tuple[int, int]] = field(default_factory=dict)
    given: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    is_closed: bool = False

    @property
    def charged(self) -> int:
        return sum(charged for charged, _ in self.invoices.values())

    @property
    def usage(self) -> int:
        return sum(usage for _, usage in self.invoices.values())

    def had(self, which: int) -> int:
        """What invoices have had: 0 the discount, 1 the draw, 2 the overage."""
        return sum(one[which] for one in self.given.values())


@dataclass(slots=True)
class PlainContract:
    """A contract, as far as its events say now."""

    terms: ContractTermsRecorded
    periods: list[PlainPeriod]

    def open_at(self, ended_at: datetime) -> PlainPeriod | None:
        """Where a service period counts that ended then."""
        for number, one in enumerate(self.periods):
            if one.start < ended_at <= one.end:
                return next((later for later in self.periods[number:] if not later.is_closed), None)
        return None

    def committed(self, period: PlainPeriod) -> int:
        """What is committed of a period that may be cut, in minor units."""
        zone = self.terms.time_zone
        days, full_days = (local_days(period.start, end, zone) for end in (period.end, period.full_end))
        return _rounded(Fraction(period.amount * days, full_days))


def _rounded(minor: Fraction) -> int:
    return floor(minor + Fraction(1, 2)) if minor >= 0 else -floor(-minor + Fraction(1, 2))


def billed(facts: Facts) -> Iterator[str]:
    """Invoices under a contract, true-ups and fees are those of plain arithmetic, in the order of events."""
    contracts: dict[str, dict[str, PlainContract]] = {}
    for event in _in_order(facts):
        match event:
            case ContractTermsRecorded():
                contracts.setdefault(event.customer_id, {})[event.contract_id] = _plain(event)
            case ContractEndRecorded():
                _end(contracts[event.customer_id][event.contract_id], event.ends_at)
            case InvoiceFinalized(subscription_id=str()):
                for contract in contracts.get(event.customer_id, {}).values():
                    yield from _count(contract, event)
            case InvoiceVoided():
                for contract in contracts.get(event.customer_id, {}).values():
                    for period in contract.periods:
                        if not period.is_closed:
                            period.invoices.pop(event.invoice_id, None)
                            period.given.pop(event.invoice_id, None)
            case CommitmentClosed():
                yield from _close(contracts[event.customer_id][event.contract_id], event)


def _in_order(facts: Facts) -> list[Event]:
    kinds: tuple[type[Event], ...] = (
        ContractTermsRecorded,
        ContractEndRecorded,
        InvoiceFinalized,
        InvoiceVoided,
        CommitmentClosed,
    )
    found = [(record.position, event) for kind in kinds for record, event in facts.all(kind)]
    return [event for _, event in sorted(found, key=lambda one: one[0])]


def _plain(event: ContractTermsRecorded) -> PlainContract:
    periods = [
        PlainPeriod(one.period.start, one.period.end, one.full_period.end, one.commitment.minor)
        for one in event.periods
    ]
    return PlainContract(event, periods)


def _end(contract: PlainContract, ends_at: datetime) -> None:
    contract.periods = [one for one in contract.periods if one.start < ends_at]
    for one in contract.periods:
        one.end = min(one.end, ends_at)


def _count(contract: PlainContract, document: InvoiceFinalized) -> Iterator[str]:
    terms = contract.terms
    if terms.currency != document.total.currency:
        return
    found = {
        what: sum(
            line.amount.minor
            for line in document.lines
            if line.charge_key is None and f": {what}" in line.description
            if terms.contract_id in line.description
        )
        for what in ("drawn", "overage")
    }
    taken = sum(one.amount.minor for one in document.discounts if terms.contract_id in one.name)
    groups: dict[int, tuple[PlainPeriod, list[InvoiceLine]]] = {}
    for line in document.lines:
        if line.charge_key is None or line.period is None:
            continue
        if (period := contract.open_at(line.period.end)) is not None:
            groups.setdefault(id(period), (period, []))[1].append(line)
    effects = [_effects(contract, one, document.invoice_id, lines) for one, lines in groups.values()]
    expected = tuple(sum(one[which] for one in effects) for which in range(3))
    if (taken, -found["drawn"], found["overage"]) != expected:
        yield f"invoice {document.invoice_id} has {taken}, {found} of {terms.contract_id}, and not {expected}"


def _effects(
    contract: PlainContract, period: PlainPeriod, invoice_id: str, charges: list[InvoiceLine]
) -> tuple[int, int, int]:
    """The discount, draw and overage of an invoice with these lines, which then count."""
    coupons = [[one for one in line.discounts if one.discount_id[:4] != "cmt_"] for line in charges]
    left = [
        line.amount.minor - sum(one.amount.minor for one in found)
        for line, found in zip(charges, coupons, strict=True)
    ]
    charged = sum(left)
    usage = sum(minor for line, minor in zip(charges, left, strict=True) if line.meter_key is not None)
    discount = drawn = overage = 0
    terms, scale = contract.terms, 10 ** PLACES[contract.terms.currency]
    if terms.volume_discounts:
        total, sums = period.charged + charged, Fraction(0)
        tops = [Fraction(one.above) * scale for one in terms.volume_discounts[1:]] + [Fraction(total)]
        for one, top in zip(terms.volume_discounts, tops, strict=True):
            part = min(top, Fraction(total)) - Fraction(one.above) * scale
            sums += Fraction(one.rate) * max(part, Fraction(0))
        discount = max(0, min(charged, _rounded(sums) - period.had(0)))
    whole = _rounded_amount(contract, period)
    if terms.kind.value == "prepaid":
        drawn = max(0, min(usage, min(whole, period.usage + usage) - period.had(1)))
    if terms.overage is not None and terms.overage.multiplier is not None:
        beyond = max(0, period.usage + usage - whole)
        more = _rounded(beyond * (Fraction(terms.overage.multiplier) - 1)) - period.had(2)
        overage = max(more, min(0, discount + drawn - charged))
    period.invoices[invoice_id] = (charged, usage)
    period.given[invoice_id] = (discount, drawn, overage)
    return discount, drawn, overage


def _rounded_amount(contract: PlainContract, period: PlainPeriod) -> int:
    """What was committed of a period before any termination."""
    whole = PlainPeriod(period.start, period.full_end, period.full_end, period.amount)
    return contract.committed(whole)


def _close(contract: PlainContract, event: CommitmentClosed) -> Iterator[str]:
    [period] = [one for one in contract.periods if one.start == event.period.start]
    period.is_closed = True
    kind = contract.terms.kind.value
    amount = _rounded_amount(contract, period) if kind == "prepaid" else contract.committed(period)
    counted = {
        "minimum": period.charged - period.had(0),
        "postpaid": period.usage,
        "prepaid": period.had(1),
    }[kind]
    missing = max(0, amount - counted)
    expected = (counted, 0, missing) if kind == "prepaid" else (counted, missing, 0)
    found = (event.counted.minor, event.true_up.minor, event.expired.minor)
    if found != expected:
        yield f"commitment {event.commitment_id} is closed with {found}, and not {expected}"


def invoiced(facts: Facts) -> Iterator[str]:
    """What a contract bills by itself has a document of the amount."""
    documents = {event.invoice_id: event for _, event in facts.all(InvoiceFinalized)}
    issued: list[tuple[str | None, int]] = [
        (one.invoice_id, one.true_up.minor) for _, one in facts.all(CommitmentClosed)
    ]
    issued += [(one.invoice_id, one.amount.minor) for _, one in facts.all(PrepaidCommitmentInvoiced)]
    issued += [(one.invoice_id, one.amount.minor) for _, one in facts.all(TerminationFeeInvoiced)]
    for invoice_id, amount in issued:
        document = documents.get(invoice_id or "")
        if (document.subtotal.minor if document else 0) != amount:
            yield f"invoice {invoice_id} of a contract should be {amount}, and is {document}"


def due(facts: Facts) -> Iterator[str]:
    """Commitments are billed and closed, and fees are billed, when their time has come."""
    ends = {event.contract_id: event.ends_at for _, event in facts.all(ContractEndRecorded)}
    for record, terms in facts.all(ContractTermsRecorded):
        if record.tenant_id in facts.left_behind():
            continue
        contract = _plain(terms)
        now = facts.now_of(record.tenant_id) - facts.clock_error_of(record.tenant_id)
        if (end := ends.get(terms.contract_id)) is not None:
            _end(contract, end)
            fees = [
                event.amount.minor
                for _, event in facts.all(TerminationFeeInvoiced)
                if event.contract_id == terms.contract_id
            ]
            expected = _fee(terms, contract)
            if end <= now and fees != ([expected] if expected else []):
                yield f"the fees of {terms.contract_id} are {fees}, and not {expected}"
        yield from _due_periods(facts, contract, now)


def _due_periods(facts: Facts, contract: PlainContract, now: datetime) -> Iterator[str]:
    contract_id = contract.terms.contract_id
    closed = {one.period.start for _, one in facts.all(CommitmentClosed) if one.contract_id == contract_id}
    prepaid = [one for _, one in facts.all(PrepaidCommitmentInvoiced) if one.contract_id == contract_id]
    awaited = _unbilled(facts, contract.terms.customer_id)
    if contract.terms.kind.value == "prepaid":
        begun = sum(one.start <= now for one in contract.periods if _rounded_amount(contract, one))
        if len(prepaid) < begun:
            yield f"{len(prepaid)} prepaid commitments of {contract_id} are billed, and {begun} have begun"
    for period in contract.periods:
        is_awaited = any(period.start < at <= period.end for at in awaited)
        if period.end + CLOSES_AFTER <= now and not is_awaited and period.start not in closed:
            yield f"the commitment of {contract_id} from {period.start} is not closed"


def _unbilled(facts: Facts, customer_id: str) -> list[datetime]:
    """The ends of a customer's service periods whose invoices are still drafts."""
    finished = {event.invoice_id for _, event in facts.all(InvoiceFinalized)}
    finished |= {event.invoice_id for _, event in facts.all(InvoiceVoided)}
    return [
        draft.period.end
        for _, draft in facts.all(InvoiceDrafted)
        if draft.customer_id == customer_id and draft.period is not None
        if draft.invoice_id not in finished
    ]


def _fee(terms: ContractTermsRecorded, cut: PlainContract) -> int:
    """The share of what was still to come when a contract was terminated."""
    if terms.termination_fee is None or terms.termination_fee.share is None:
        return 0
    whole = _plain(terms)
    rest = sum(_rounded_amount(whole, one) for one in whole.periods[len(cut.periods) :])
    if cut.periods and terms.kind.value != "prepaid":
        last = cut.periods[-1]
        rest += _rounded_amount(cut, last) - cut.committed(last)
    return _rounded(Fraction(terms.termination_fee.share) * rest)


def overlaps(facts: Facts) -> Iterator[str]:
    """A second contract beside the first is refused; it is signed only where the first has ended."""
    ends = {event.contract_id: event.ends_at for _, event in facts.all(ContractTerminated)}
    terms = {event.contract_id: event.ends_at for _, event in facts.all(ContractSigned)}
    for first, code, body in facts.memory.get("overlap", {}).values():
        ended_at = ends.get(first, terms[first])
        if code and code != "contract-overlaps":
            yield f"a contract beside {first} is answered with {code}"
        if not code and datetime.fromisoformat(body["starts_at"]) < ended_at:
            yield f"a contract is signed at {body['starts_at']}, while {first} lasts until {ended_at}"


CAPABILITY = Capability(
    name="contracts",
    order=95,
    plan=plan,
    actions={"sign": sign, "overlap": overlap, "terminate": terminate},
    checks={
        "I10 contracts": kept,
        "billing rule 6, contracts": billed,
        "contracts are billed": invoiced,
        "contracts are billed in time": due,
        "contracts apart": overlaps,
    },
)
