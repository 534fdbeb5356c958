"""Fact heard, command given."""

from services.invoicing.billing_runs.handlers import receive_reading, start_run
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_billing_period_closed(session: Session, event: BillingPeriodClosed, _: EventRecord) -> None:
    """Start the period's billing run."""
    await start_run(session, event)


async def on_usage_reading_taken(session: Session, event: UsageReadingTaken, _: EventRecord) -> None:
    """Give the run its reading."""
    await receive_reading(session, event)
