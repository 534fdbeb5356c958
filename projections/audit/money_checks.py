"""Checks of money (docs/invariants.md, I4 and I5) on the events themselves, without the read models."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from projections.audit.report import Difference
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDiscount,
    InvoiceFinalized,
    InvoiceLine,
    InvoicePaid,
)
from shared.billing.contracts.invoicing.number_series import InvoiceNumberAssigned
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanceStarted
from shared.billing.money import Money, total
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord


class InvoiceCheck:
    """An invoice is the sum of its parts; each number is assigned once, to the invoice that has it (I5).

    Numbers of a series are the versions of one stream, so StreamCheck finds gaps.
    """

    def __init__(self) -> None:
        """Records come by `visit`."""
        self.differences: list[Difference] = []
        self._numbers: dict[tuple[str, str], str] = {}
        self._printed: dict[tuple[str, str], str] = {}

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """See RecordVisitor."""
        match event:
            case InvoiceNumberAssigned():
                self._assigned(record.tenant_id, event)
            case InvoiceFinalized():
                self._printed[record.tenant_id, event.invoice_id] = event.number
                self._sums(record.tenant_id, event)

    def finish(self) -> list[Difference]:
        """All differences, after the last record."""
        numbers = {(tenant, invoice): key for (tenant, key), invoice in self._numbers.items()}
        for invoice in sorted(numbers.keys() | self._printed.keys()):
            assigned, printed = numbers.get(invoice), self._printed.get(invoice)
            if assigned is None or printed is None or not assigned.endswith(f"/{printed}"):
                detail = f"assigned {assigned or 'no number'}, finalized with {printed or 'none'}"
                self.differences.append(Difference("invoice numbers", *invoice, detail))
        return self.differences

    def _assigned(self, tenant_id: str, event: InvoiceNumberAssigned) -> None:
        key = (tenant_id, f"{event.series}/{event.number}")
        if key in self._numbers:
            detail = f"assigned to {self._numbers[key]} and to {event.invoice_id}"
            self.differences.append(Difference("invoice numbers", *key, detail))
        self._numbers[key] = event.invoice_id

    def _sums(self, tenant_id: str, event: InvoiceFinalized) -> None:
        currency = event.total.currency
        lines = total((line.amount for line in event.lines), currency)
        taxes = total((tax.amount for tax in event.taxes), currency)
        discounts = total((one.amount for one in event.discounts), currency)
        applied = event.credit_applied.minor if event.credit_applied else 0
        due = Money(max(event.total.minor, 0) - applied, currency)
        wrong = [
            name
            for name, amount, expected in (
                ("subtotal", event.subtotal, lines),
                ("tax", event.tax, taxes),
                ("total", event.total, lines - discounts + taxes),
                ("amount due", event.amount_due, due),
            )
            if amount != expected
        ]
        wrong += [f"line {line.line_id}" for line in event.lines if not _is_rounded_once(line)]
        wrong += [
            f"discount {one.discount_id}" for one in event.discounts if not _is_spread(one, event.lines)
        ]
        wrong += [f"discount of line {line.line_id}" for line in event.lines if not _is_covered(line)]
        if wrong:
            detail = f"{', '.join(wrong)} is not the sum of its parts"
            self.differences.append(Difference("invoice sums", tenant_id, event.invoice_id, detail))


class NumberDateCheck:
    """No number of a series is dated before the number before it (I5).

    Excused are numbers given under a test clock that had only jumped, as in histories from before 2026-11-25:
    there documents were dated in the order in which the services caught up.
    """

    def __init__(self) -> None:
        """Records come by `visit`."""
        self._dates: dict[tuple[str, str], datetime] = {}
        self._backwards: list[tuple[EventRecord, Difference]] = []
        self._leaps: dict[str, datetime] = {}

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """See RecordVisitor."""
        match event:
            case InvoiceNumberAssigned():
                self._assigned(record, event)
            case TestClockAdvanceStarted():
                self._leaps.setdefault(record.tenant_id, record.recorded_at)

    def finish(self) -> list[Difference]:
        """All differences, after the last record."""
        return [difference for record, difference in self._backwards if not self._is_excused(record)]

    def _assigned(self, record: EventRecord, event: InvoiceNumberAssigned) -> None:
        series = (record.tenant_id, event.series)
        before = self._dates.get(series, event.assigned_at)
        if event.assigned_at < before:
            detail = f"dated {event.assigned_at.isoformat()}, after a number dated {before.isoformat()}"
            self._backwards.append(
                (record, Difference("invoice dates", record.tenant_id, event.number, detail))
            )
        self._dates[series] = max(event.assigned_at, before)

    def _is_excused(self, record: EventRecord) -> bool:
        began = self._leaps.get(record.tenant_id)
        return record.metadata.test_clock and (began is None or record.recorded_at < began)


def _is_rounded_once(line: InvoiceLine) -> bool:
    exact = sum((step.amount for step in line.steps), Decimal(0))
    return not line.steps or Money.rounded(exact, line.amount.currency) == line.amount


def _is_spread(discount: InvoiceDiscount, lines: Iterable[InvoiceLine]) -> bool:
    parts = (part for line in lines for part in line.discounts if part.discount_id == discount.discount_id)
    return total((part.amount for part in parts), discount.amount.currency) == discount.amount


def _is_covered(line: InvoiceLine) -> bool:
    """Whether the discounts of a line are together no more than its amount."""
    taken = sum(part.amount.minor for part in line.discounts)
    return 0 <= taken <= max(line.amount.minor, 0)


class PaymentCheck:
    """A paid invoice has exactly one succeeded payment, of its amount; no invoice has two (I4)."""

    def __init__(self) -> None:
        """Records come by `visit`."""
        self._succeeded: dict[tuple[str, str], list[PaymentSucceeded]] = defaultdict(list)
        self._paid: dict[tuple[str, str], InvoicePaid] = {}

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """See RecordVisitor."""
        match event:
            case PaymentSucceeded():
                self._succeeded[record.tenant_id, event.invoice_id].append(event)
            case InvoicePaid():
                self._paid[record.tenant_id, event.invoice_id] = event

    def finish(self) -> list[Difference]:
        """All differences, after the last record."""
        twice = [
            Difference("payments", *invoice, f"paid {len(found)} times: {[one.payment_id for one in found]}")
            for invoice, found in self._succeeded.items()
            if len(found) > 1
        ]
        unmatched = [
            Difference("payments", *invoice, f"no payment {paid.payment_id} of {paid.amount} has succeeded")
            for invoice, paid in self._paid.items()
            if not _is_matched(paid, self._succeeded.get(invoice, []))
        ]
        return twice + unmatched


def _is_matched(paid: InvoicePaid, payments: list[PaymentSucceeded]) -> bool:
    if paid.payment_id is None:
        return paid.amount.minor == 0
    return [(paid.payment_id, paid.amount)] == [(one.payment_id, one.amount) for one in payments]
