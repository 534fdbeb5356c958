"""Invariants of money (docs/invariants.md), computed from the events without the read models."""

from collections import defaultdict
from decimal import Decimal

from projections.audit.report import Difference
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceLine, InvoicePaid
from shared.billing.contracts.invoicing.number_series import InvoiceNumberAssigned
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.money import Money, total
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord


class InvoiceCheck:
    """An invoice is the sum of its parts, and its number is its own.

    I5: numbers of a series are the versions of one stream, so a gap is a broken stream; here each
    number is given once, to the invoice that carries it.
    """

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.differences: list[Difference] = []
        self._numbers: dict[tuple[str, str], str] = {}
        self._carried: dict[tuple[str, str], str] = {}

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """One record more."""
        match event:
            case InvoiceNumberAssigned():
                self._assigned(record.tenant_id, event)
            case InvoiceFinalized():
                self._carried[record.tenant_id, event.invoice_id] = event.number
                self._sums(record.tenant_id, event)

    def finish(self) -> list[Difference]:
        """All that is wrong, once everything has been seen."""
        given = {(tenant, invoice): key for (tenant, key), invoice in self._numbers.items()}
        for place in sorted(given.keys() | self._carried.keys()):
            assigned, carried = given.get(place), self._carried.get(place)
            if assigned is None or carried is None or not assigned.endswith(f"/{carried}"):
                detail = f"given {assigned or 'no number'}, carries {carried or 'none'}"
                self.differences.append(Difference("invoice numbers", place[0], place[1], detail))
        return self.differences

    def _assigned(self, tenant_id: str, event: InvoiceNumberAssigned) -> None:
        key = (tenant_id, f"{event.series}/{event.number}")
        if key in self._numbers:
            detail = f"given to {self._numbers[key]} and to {event.invoice_id}"
            self.differences.append(Difference("invoice numbers", *key, detail))
        self._numbers[key] = event.invoice_id

    def _sums(self, tenant_id: str, event: InvoiceFinalized) -> None:
        currency = event.total.currency
        lines = total((line.amount for line in event.lines), currency)
        taxes = total((tax.amount for tax in event.taxes), currency)
        due = Money(max(event.total.minor, 0), currency)
        wrong = [
            name
            for name, told, reckoned in (
                ("subtotal", event.subtotal, lines),
                ("tax", event.tax, taxes),
                ("total", event.total, lines + taxes),
                ("amount due", event.amount_due, due),
            )
            if told != reckoned
        ]
        wrong += [f"line {line.line_id}" for line in event.lines if not _is_rounded_once(line)]
        if wrong:
            detail = f"{', '.join(wrong)} is not the sum of its parts"
            self.differences.append(Difference("invoice sums", tenant_id, event.invoice_id, detail))


def _is_rounded_once(line: InvoiceLine) -> bool:
    exact = sum((step.amount for step in line.steps), Decimal(0))
    return not line.steps or Money.rounded(exact, line.amount.currency) == line.amount


class PaymentCheck:
    """I4: a paid invoice was paid once, by one payment of its amount; no invoice was ever paid twice."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._taken: dict[tuple[str, str], list[PaymentSucceeded]] = defaultdict(list)
        self._paid: dict[tuple[str, str], InvoicePaid] = {}

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """One record more."""
        match event:
            case PaymentSucceeded():
                self._taken[record.tenant_id, event.invoice_id].append(event)
            case InvoicePaid():
                self._paid[record.tenant_id, event.invoice_id] = event

    def finish(self) -> list[Difference]:
        """All that is wrong, once everything has been seen."""
        twice = [
            Difference("payments", *place, f"paid {len(taken)} times: {[one.payment_id for one in taken]}")
            for place, taken in self._taken.items()
            if len(taken) > 1
        ]
        unmatched = [
            Difference(
                "payments", *place, f"told to be paid by {paid.payment_id} with {paid.amount}, but is not"
            )
            for place, paid in self._paid.items()
            if not _is_matched(paid, self._taken.get(place, []))
        ]
        return twice + unmatched


def _is_matched(paid: InvoicePaid, taken: list[PaymentSucceeded]) -> bool:
    if paid.payment_id is None:
        return paid.amount.minor == 0
    return [(paid.payment_id, paid.amount)] == [(one.payment_id, one.amount) for one in taken]
