"""Events of billing runs."""

from datetime import datetime

from shared.billing.contracts.metering.readings import MeterQuantity
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.discounts import Discount
from shared.billing.period import Period
from shared.billing.proration import Proration
from shared.framework.core.event import Event


class BillingRunStarted(Event, frozen=True, kw_only=True):
    """A closed period is being billed; the ids of run and invoice are derived from subscription and period.

    `charges` are the prices in force, `discounts` those of the period, `full_period` is the denominator of
    any proration: all are copied from the closed period, so the invoice can be rated from this event and the
    reading alone.
    """

    wire_name = "invoicing.billing-run.started.v1"

    run_id: str
    invoice_id: str
    subscription_id: str
    customer_id: str
    currency: str
    time_zone: str
    charges: tuple[Charge, ...]
    period: Period
    full_period: Period
    started_at: datetime
    discounts: tuple[Discount, ...] = ()
    items: tuple[BillingItem, ...] = ()
    proration: Proration = "day"


class UsageReadingReceived(Event, frozen=True, kw_only=True):
    """The run has its reading of usage, which may come before the close of its period."""

    wire_name = "invoicing.usage-reading.received.v1"

    run_id: str
    reading_id: str
    subscription_id: str
    quantities: tuple[MeterQuantity, ...]
    received_at: datetime


class BillingRunCompleted(Event, frozen=True, kw_only=True):
    """The run's invoice has its lines, rated from this reading of usage."""

    wire_name = "invoicing.billing-run.completed.v1"

    run_id: str
    invoice_id: str
    reading_id: str
    completed_at: datetime


class BillingRunFailed(Event, frozen=True, kw_only=True):
    """The period could not be billed; its invoice stays a draft without lines until the run is retried.

    `code` is that of the refusal, `reason` its text for people.
    """

    wire_name = "invoicing.billing-run.failed.v1"

    run_id: str
    invoice_id: str
    subscription_id: str
    customer_id: str
    code: str
    reason: str
    failed_at: datetime


class BillingRunRetried(Event, frozen=True, kw_only=True):
    """A failed run begins again with these charges, and waits for a new reading of the period.

    `attempt` counts the readings of the period: the first one is 1. `invoice_id` is a new one if the draft of
    the failed run was voided.
    """

    wire_name = "invoicing.billing-run.retried.v1"

    run_id: str
    invoice_id: str
    subscription_id: str
    customer_id: str
    period: Period
    charges: tuple[Charge, ...]
    attempt: int
    retried_at: datetime
    time_zone: str = "UTC"
