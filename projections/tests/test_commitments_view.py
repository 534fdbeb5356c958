"""Commitments in the read side: rows that follow their events, and what the audit finds wrong in these."""

from typing import Any

import pytest

from projections.audit.commitment_checks import CommitmentCheck
from projections.engine.read_model import DecodedEvent
from projections.read_models.commitment_invoices import projection as invoices
from projections.read_models.commitments import projection as commitments
from projections.tests.scenarios import TENANT, day, dollars
from shared.billing.contracts.invoicing.commitments import (
    CommitmentClosed,
    CommitmentInvoiceCounted,
    CommitmentInvoiceReleased,
    CommitmentStarted,
    PrepaidCommitmentInvoiced,
)
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.billing.contracts.subscriptions.contracts import ContractKind
from shared.billing.period import Period
from shared.framework.core.event import Event
from shared.framework.testing.event_records import event_record

IDS: dict[str, Any] = {"commitment_id": "cmt_1", "contract_id": "con_1", "customer_id": "cus_1"}
PERIOD = Period(day(1), day(20))


def started(kind: ContractKind = ContractKind.MINIMUM) -> CommitmentStarted:
    """A commitment of 100.00."""
    return CommitmentStarted(
        **IDS,
        contract_name="Frame",
        kind=kind,
        number=0,
        period=PERIOD,
        amount=dollars(10_000),
        started_at=day(1),
    )


def amounts(charged: int) -> dict[str, Any]:
    """An invoice of usage, of which a tenth is off, half is drawn, and 1 cent is overage."""
    minor = {
        "charged": charged,
        "usage": charged * 9 // 10,
        "discount": charged // 10,
        "drawn": charged // 2,
        "overage": 1,
    }
    return {name: dollars(one) for name, one in minor.items()}


def counted(invoice_id: str, charged: int, awaited: int = 0) -> CommitmentInvoiceCounted:
    """The count of an invoice."""
    return CommitmentInvoiceCounted(
        **IDS,
        **amounts(charged),
        invoice_id=invoice_id,
        subscription_id="sub_1",
        awaited=awaited,
        counted_at=day(2),
    )


def released(invoice_id: str, charged: int) -> CommitmentInvoiceReleased:
    """The release of a voided invoice."""
    return CommitmentInvoiceReleased(
        **IDS, **amounts(charged), invoice_id=invoice_id, awaited=0, released_at=day(3)
    )


def closed(sum_counted: int, true_up: int = 0, expired: int = 0) -> CommitmentClosed:
    """The close."""
    return CommitmentClosed(
        **IDS,
        period=PERIOD,
        amount=dollars(10_000),
        counted=dollars(sum_counted),
        true_up=dollars(true_up),
        expired=dollars(expired),
        invoice_id="inv_t" if true_up else None,
        closed_at=day(20),
    )


def document(invoice_id: str, minor: int) -> InvoiceFinalized:
    """An invoice."""
    nothing = dollars(0)
    return InvoiceFinalized(
        invoice_id=invoice_id,
        customer_id="cus_1",
        subscription_id=None,
        number="INV-000001",
        lines=(),
        taxes=(),
        subtotal=dollars(minor),
        tax=nothing,
        total=dollars(minor),
        amount_due=dollars(minor),
        finalized_at=day(20),
    )


def at(event: Event) -> DecodedEvent:
    """An event as a fold gets it."""
    return DecodedEvent(TENANT, "invoicing", "cmt_1", 1, day(1), event)


def test_a_commitment_shows_what_counts_now() -> None:
    """A voided invoice is taken out of the sums."""
    row: Any = None
    for event in (started(), counted("inv_1", 1000, 1), counted("inv_2", 2000), released("inv_1", 1000)):
        row = commitments.fold(row, event, at(event))
    assert (row.charged, row.discount, row.overage) == (dollars(2000), dollars(200), dollars(1))
    assert (row.status, row.awaited, row.true_up) == ("open", 0, None)
    row = commitments.fold(row, closed(1800, 8200), at(closed(1800, 8200)))
    assert (row.status, row.counted, row.true_up) == ("closed", dollars(1800), dollars(8200))
    assert row.true_up_invoice_id == "inv_t"


def test_an_invoice_is_listed_until_it_is_voided() -> None:
    """Its row is gone then."""
    count, release = counted("inv_1", 1000), released("inv_1", 1000)
    [(row_id, part)] = invoices.targets(at(count))
    row = invoices.fold(None, part, at(count))
    assert row is not None
    assert (row_id, row.charged) == ("cmt_1:inv_1", dollars(1000))
    assert list(invoices.targets(at(release))) == [(row_id, release)]
    assert invoices.fold(row, release, at(release)) is None


def differences(*events: Event) -> list[str]:
    """What the audit says."""
    check = CommitmentCheck()
    for event in events:
        check.visit(event_record(event, day(1), tenant=TENANT), event)
    return [one.detail for one in check.finish()]


GOOD: tuple[Event, ...] = (
    started(),
    counted("inv_1", 1000),
    document("inv_1", 901),
    counted("inv_2", 3000),
    document("inv_2", 2701),
    released("inv_2", 3000),
    closed(900, 9100),
    document("inv_t", 9100),
)


def test_the_audit_finds_no_fault_in_what_adds_up() -> None:
    """Of every kind."""
    assert differences(*GOOD) == []
    for kind, count in (
        (ContractKind.POSTPAID, closed(900, 9100)),
        (ContractKind.PREPAID, closed(500, 0, 9500)),
    ):
        one = [started(kind), counted("inv_1", 1000), document("inv_1", 901), document("inv_t", 9100), count]
        assert differences(*one) == []


@pytest.mark.parametrize(
    ("number", "other", "found"),
    [
        (6, closed(899, 9101), "closed with 899 counted and 9101 missing, not 900 and 9100"),
        (6, closed(900, 9000), "closed with 900 counted and 9000 missing, not 900 and 9100"),
        (7, document("inv_t", 9099), "its contract bills 9100 minor units, and it comes to 9099"),
        (7, document("inv_x", 9100), "its contract bills 9100 minor units, and it comes to None"),
        (2, document("inv_x", 901), "it counts in cmt_1, and was not finalized"),
        (5, released("inv_3", 0), "closed with 900 counted and 9100 missing, not 3600 and 6400"),
        (0, document("inv_y", 1), "closed with 900 counted and 9100 missing, not 0 and 10000"),
    ],
)
def test_the_audit_finds_what_does_not_add_up(number: int, other: Event, found: str) -> None:
    """With the amounts."""
    events = [*GOOD[:number], other, *GOOD[number + 1 :]]
    assert found in differences(*events)


def test_the_audit_finds_a_prepaid_commitment_that_was_billed_otherwise() -> None:
    """Its invoice has another amount."""
    paid = PrepaidCommitmentInvoiced(**IDS, invoice_id="inv_p", amount=dollars(10_000), invoiced_at=day(1))
    assert differences(started(ContractKind.PREPAID), paid, document("inv_p", 10_000)) == []
    assert differences(paid, document("inv_p", 1)) == [
        "its contract bills 10000 minor units, and it comes to 1"
    ]
