"""What billing runs do when an event of subscriptions or metering is consumed."""

from services.invoicing.billing_runs.decider import RecordUsageReading, StartBillingRun
from services.invoicing.billing_runs.handlers import bill_charges_due, record_reading, start_run
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, ChargesDue
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_billing_period_closed(session: Session, event: BillingPeriodClosed, _: EventRecord) -> None:
    """Start the period's billing run."""
    await start_run(session, StartBillingRun(closed=event, now=session.now))


async def on_charges_due(session: Session, event: ChargesDue, _: EventRecord) -> None:
    """Bill the items."""
    await bill_charges_due(session, event, session.now)


async def on_usage_reading_taken(session: Session, event: UsageReadingTaken, _: EventRecord) -> None:
    """Record the reading in the period's billing run."""
    await record_reading(session, RecordUsageReading(taken=event, now=session.now))
