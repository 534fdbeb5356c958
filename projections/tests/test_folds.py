"""Folds: the row after each event of a stream; an impossible history raises."""

from enum import StrEnum

import msgspec
import pytest

from projections.engine.projector import fold_row
from projections.engine.read_model import AnyModel, DecodedEvent, row_from
from projections.read_models.collections.projection import COLLECTIONS, CollectionRow
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.payments.projection import PAYMENTS
from projections.read_models.subscriptions.projection import SUBSCRIPTIONS, SubscriptionRow
from projections.register import READ_MODELS
from projections.tests.scenarios import TENANT, day, dollars
from shared.billing.contracts import EVENTS
from shared.billing.contracts.invoicing.invoices import InvoicePaid
from shared.billing.contracts.payments.collections import (
    CollectionAttemptDue,
    CollectionAttemptStarted,
    CollectionCancelled,
    CollectionCompleted,
    CollectionGaveUp,
    CollectionStarted,
)
from shared.billing.contracts.payments.payments import PaymentSubmitted, PaymentUnknown
from shared.billing.contracts.subscriptions.subscriptions import (
    BillingPeriodClosed,
    SubscriptionCancelled,
    SubscriptionEnded,
    SubscriptionStarted,
)
from shared.billing.period import Period
from shared.framework.core.event import Event
from shared.framework.core.refusals import ImpossibleHistory


def decoded(event: Event) -> DecodedEvent:
    return DecodedEvent(TENANT, "context", "stream", 1, day(0), event)


def rows_after_each(model: AnyModel, *events: Event) -> list[object]:
    """The row after each event."""
    rows, row = [], None
    for event in events:
        row = model.fold(row, event, decoded(event))
        rows.append(row)
    return rows


STARTED = SubscriptionStarted(
    subscription_id="sub",
    customer_id="cus",
    subject="ada",
    plan_id="plan",
    plan_version=1,
    currency="USD",
    interval="P1M",
    charges=(),
    time_zone="UTC",
    anchor_at=day(0),
    started_at=day(0),
    starts_at=day(0),
)


def test_a_row_is_made_of_the_fields_that_the_event_has_too() -> None:
    """The others have their defaults; a field without one that the event lacks is an error."""
    row = row_from(SubscriptionRow, STARTED)
    assert (row.subject, row.anchor_at, row.status, row.periods_closed) == ("ada", day(0), "active", 0)
    with pytest.raises(msgspec.ValidationError, match="collection_id"):
        row_from(CollectionRow, STARTED)


def closed(start: int, end: int) -> BillingPeriodClosed:
    period = Period(day(start), day(end))
    return BillingPeriodClosed(
        subscription_id="sub",
        customer_id="cus",
        subject="ada",
        plan_id="plan",
        plan_version=1,
        currency="USD",
        time_zone="UTC",
        charges=(),
        period_index=0,
        period=period,
        full_period=period,
        closed_at=day(end),
    )


def test_a_subscription_shows_from_when_it_is_billed() -> None:
    """Events that were written before start and anchor were two things have no start: it is the anchor."""
    new = msgspec.structs.replace(STARTED, starts_at=day(15))
    old = msgspec.structs.replace(STARTED, starts_at=None)
    rows = [row for event in (new, old) for row in rows_after_each(SUBSCRIPTIONS, event)]
    assert [getattr(row, "starts_at", None) for row in rows] == [day(15), day(0)]


def test_a_subscription_runs_on_until_its_end_is_reached() -> None:
    """Cancelled is not yet ended: the last period is still to be closed."""
    cancelled = SubscriptionCancelled(subscription_id="sub", ends_at=day(40), cancelled_at=day(35))
    ended = SubscriptionEnded(subscription_id="sub", ended_at=day(40))
    rows = rows_after_each(SUBSCRIPTIONS, STARTED, closed(0, 31), cancelled, closed(31, 40), ended)
    states = [
        (row.status, row.periods_closed, row.billed_until) for row in rows if isinstance(row, SubscriptionRow)
    ]
    assert states == [
        ("active", 0, None),
        ("active", 1, day(31)),
        ("cancelled", 1, day(31)),
        ("cancelled", 2, day(40)),
        ("ended", 2, day(40)),
    ]


BEGUN = CollectionStarted(
    collection_id="col", invoice_id="inv", customer_id="cus", amount=dollars(1), started_at=day(0)
)
GAVE_UP = CollectionGaveUp(
    collection_id="col",
    invoice_id="inv",
    customer_id="cus",
    amount=dollars(1),
    reason="hard_declined",
    gave_up_at=day(1),
)


def test_a_collection_that_gave_up_opens_again_when_somebody_asks() -> None:
    """And a void closes it for good, whatever state it is in."""
    due = [
        CollectionAttemptDue(collection_id="col", attempt=n, due_at=day(n), reason="asked") for n in (1, 2)
    ]
    cancelled = CollectionCancelled(collection_id="col", invoice_id="inv", cancelled_at=day(3))
    rows = rows_after_each(COLLECTIONS, BEGUN, due[0], GAVE_UP, due[1], cancelled)
    states = [
        (row.status, row.attempt, row.next_attempt_at) for row in rows if isinstance(row, CollectionRow)
    ]
    assert states == [
        ("open", 0, None),
        ("open", 1, day(1)),
        ("gave_up", 1, None),
        ("open", 2, day(2)),
        ("cancelled", 2, None),
    ]


def test_a_manual_attempt_is_told_from_a_scheduled_one_and_none_is_next_while_one_is_open() -> None:
    """After it has paid, the reason of the earlier failure is gone."""
    due = CollectionAttemptDue(collection_id="col", attempt=1, due_at=day(0), reason="first_attempt")
    attempts = [
        CollectionAttemptStarted(
            collection_id="col",
            invoice_id="inv",
            attempt=n,
            payment_id=f"pay_{n}",
            manual=n > 1,
            started_at=day(n),
        )
        for n in (1, 2)
    ]
    paid = CollectionCompleted(collection_id="col", invoice_id="inv", payment_id="pay_2", completed_at=day(2))
    rows = rows_after_each(COLLECTIONS, BEGUN, due, attempts[0], GAVE_UP, attempts[1], paid)
    states = [
        (row.status, row.attempt, row.manual, row.next_attempt_at, row.reason)
        for row in rows
        if isinstance(row, CollectionRow)
    ]
    assert states == [
        ("open", 0, False, None, None),
        ("open", 1, False, day(0), "first_attempt"),
        ("open", 1, False, None, "first_attempt"),
        ("gave_up", 1, False, None, "hard_declined"),
        ("open", 2, True, None, "hard_declined"),
        ("completed", 2, True, None, None),
    ]


def test_an_invoice_that_was_voided_before_it_was_collected_shows_no_collection() -> None:
    """Payments publishes the cancellation also when the void comes before the invoice to be collected."""
    cancelled = CollectionCancelled(collection_id="col", invoice_id="inv", cancelled_at=day(3))
    assert rows_after_each(COLLECTIONS, cancelled) == [None]
    assert fold_row(COLLECTIONS, "col", [decoded(cancelled)]) is None


@pytest.mark.parametrize(
    ("model", "event"),
    [
        (SUBSCRIPTIONS, SubscriptionEnded(subscription_id="sub", ended_at=day(1))),
        (COLLECTIONS, CollectionAttemptDue(collection_id="col", attempt=1, due_at=day(1), reason="asked")),
        (PAYMENTS, PaymentSubmitted(payment_id="pay", submitted_at=day(1))),
        (
            PAYMENTS,
            PaymentUnknown(
                payment_id="pay", invoice_id="inv", cause="time-out", check_at=day(1), noticed_at=day(1)
            ),
        ),
        (
            INVOICES,
            InvoicePaid(
                invoice_id="inv", customer_id="cus", payment_id=None, amount=dollars(0), paid_at=day(1)
            ),
        ),
    ],
)
def test_a_stream_that_begins_in_the_middle_is_loud(model: AnyModel, event: Event) -> None:
    """Ignoring the event would show a row that does not follow from its stream."""
    with pytest.raises(ImpossibleHistory):
        model.fold(None, event, decoded(event))


def test_every_model_has_a_name_and_a_table_of_its_own() -> None:
    """And folds only events that are published."""
    assert len({model.table for model in READ_MODELS}) == len(READ_MODELS)
    assert {event for model in READ_MODELS for event in model.events} <= set(EVENTS.values())


@pytest.mark.parametrize("model", READ_MODELS, ids=lambda model: model.name)
def test_what_can_be_searched_is_a_text_field_of_the_row(model: AnyModel) -> None:
    """Search columns are made from the document; an unknown field would find nothing, without an error."""
    fields = {name: model.row.__annotations__.get(name) for name in model.filters}
    enums = {kind for kind in fields.values() if isinstance(kind, type) and issubclass(kind, StrEnum)}
    assert set(fields.values()) - enums <= {str, str | None}
    assert model.owner is None or model.owner in model.filters
