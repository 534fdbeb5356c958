"""What invoicing tells: runs, drafts, documents with a number, and what became of them."""

from datetime import datetime

from shared.billing.contracts.metering.readings import MeterQuantity
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.period import Period
from shared.framework.core.event import Event


class BillingRunStarted(Event, frozen=True, kw_only=True):
    """A closed period is being billed; the run and its invoice are named by subscription and period.

    It keeps what the closed period said: `charges` are the prices in force, `full_period` the denominator
    of any proration, so the bill needs nobody else's tables when the reading comes.
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


class UsageReadingReceived(Event, frozen=True, kw_only=True):
    """The run has its reading of usage; it may come before the period that it is for has been told."""

    wire_name = "invoicing.usage-reading.received.v1"

    run_id: str
    reading_id: str
    subscription_id: str
    quantities: tuple[MeterQuantity, ...]
    received_at: datetime


class BillingRunCompleted(Event, frozen=True, kw_only=True):
    """The run's invoice carries its lines, from this reading of usage."""

    wire_name = "invoicing.billing-run.completed.v1"

    run_id: str
    invoice_id: str
    reading_id: str
    completed_at: datetime
