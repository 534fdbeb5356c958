"""The service with its timers, and the contracts, periods and readings of its tests."""

from datetime import datetime, timedelta
from functools import partial

from services.invoicing.billing_runs.decider import invoice_id_of
from services.invoicing.contract_terms.decider import contract_terms_id
from services.invoicing.main import FEATURES
from services.invoicing.tests.contracts import months
from services.invoicing.tests.harness import Harness
from services.invoicing.tests.scenarios import FEE, JANUARY, MILES, closed, quantity, reading
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.contracts import (
    ContractTerminated,
)
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, ChargesDue
from shared.billing.money import Money
from shared.billing.period import Period
from shared.billing.pricing import exact_sum
from shared.framework.core.event import Event, Metadata
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.process.feature import merged
from shared.framework.process.system import EventLoopSleeper
from shared.framework.timers.loop import TimerLoop

HOUR = timedelta(hours=1)
QUARTER = months(JANUARY.start, 3)
END = QUARTER[-1].end


class Business:
    """The service with its timers; time is the system's, which the test moves."""

    def __init__(self) -> None:
        self.service = Harness()
        self.service.clock.move(JANUARY.start - self.service.clock.now())
        self.timers = TimerLoop(
            self.service.store,
            merged("purpose", (feature.timers for feature in FEATURES)),
            self.service.clock,
            MemoryLeadership(),
            EventLoopSleeper(),
        )

    async def at(self, instant: datetime, *events: Event) -> None:
        """Let time pass until an instant, and deliver events then."""
        while True:
            due = await self.service.store.due_timers(instant, 1)
            now = min([instant, *(max(one.due_at, self.service.clock.now()) for one in due)])
            self.service.clock.move(now - self.service.clock.now())
            if not await self.timers.fire_due():
                break
        if events:
            await self.service.deliver(*events, at=instant)
            await self.timers.fire_due()

    async def bill(self, period: Period, miles: str, subscription_id: str = "sub_1") -> InvoiceFinalized:
        """Close a period, and take its reading an hour later; returns its invoice. A mile is 0.0125."""
        await self.at(period.end, run_of(period, subscription_id))
        await self.at(period.end + HOUR, read(period, miles, subscription_id))
        wanted = invoice_id_of(subscription_id, period)
        return next(one for one in await self.service.documents() if one.invoice_id == wanted)

    async def lose_timers(self) -> None:
        """Restore the events alone, and resume the customer's contracts."""
        store = self.service.store
        for timer in await store.due_timers(END + 1000 * HOUR, 1000):
            await transact(store, partial(_complete, timer))
        assert not await store.due_timers(END + 1000 * HOUR, 1000)
        await transact(store, _resume)

    async def issued(self, what: str) -> list[InvoiceFinalized]:
        """The invoices with a line of the contract that begins so."""
        documents = await self.service.documents()
        return [one for one in documents if amount_of(one, what) is not None]


def terminated(at: datetime) -> ContractTerminated:
    """The early end of the contract."""
    return ContractTerminated(
        contract_id="con_1", customer_id="cus_1", ends_at=at, terminated_at=JANUARY.start
    )


async def _complete(timer: Timer, unit: UnitOfWork) -> None:
    unit.session("acme", timer.metadata).complete_timer(timer.timer_id)


async def _resume(unit: UnitOfWork) -> None:
    metadata = Metadata(correlation_id="restore", actor="invoicing", occurred_at=JANUARY.start)
    stream_id = contract_terms_id("cus_1")
    resume = merged("prefix", (feature.resume for feature in FEATURES))["ctr"]
    await resume(unit.session("acme", metadata), stream_id)


def run_of(period: Period, subscription_id: str = "sub_1") -> BillingPeriodClosed:
    """The close of a period with a fee of 49.00 and miles."""
    return closed(subscription_id, (FEE, MILES), period)


def charges_due(due_id: str, item: BillingItem) -> ChargesDue:
    """An item that is due now."""
    at = item.period.start if item.period else JANUARY.start
    return ChargesDue(
        due_id=due_id,
        subscription_id="sub_1",
        customer_id="cus_1",
        plan_id="plan_1",
        plan_version=1,
        currency="USD",
        time_zone="UTC",
        proration="day",
        items=(item,),
        effective_at=at,
        due_at=at,
    )


def read(period: Period, miles: str, subscription_id: str = "sub_1") -> UsageReadingTaken:
    """Its reading."""
    return reading(quantity("miles", miles), subscription_id=subscription_id, period=period)


def discount_of(document: InvoiceFinalized) -> int:
    """Minor units of the contract's volume discounts, which are spread over the lines."""
    of_contract = [one for one in document.discounts if "(con_1)" in one.name]
    for one in of_contract:
        parts = [part for line in document.lines for part in line.discounts]
        spread = [part.amount.minor for part in parts if part.discount_id == one.discount_id]
        assert sum(spread) == one.amount.minor
    return sum(one.amount.minor for one in of_contract)


def amount_of(document: InvoiceFinalized, what: str) -> int | None:
    """Minor units of the contract's line of this kind; its steps must come to it."""
    found = [line for line in document.lines if line.description.startswith(f"Frame: {what}")]
    for line in found:
        assert Money.rounded(exact_sum(line.steps), "USD") == line.amount
        assert "(con_1)" in line.description
    return found[0].amount.minor if found else None
