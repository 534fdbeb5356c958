"""Scenarios: five contexts in memory, events published in them, and a read side that consumes these."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from projections.engine.memory import MemoryEventArchive, MemoryFreshness, MemoryRowStore
from projections.engine.projector import Projector
from projections.read_models.balances.projection import balance_id
from projections.register import READ_MODELS
from shared.billing.contracts import CONTEXTS, CONTRACTS, TOPICS
from shared.billing.contracts.ingest.usage import UsageEvent, UsageRecorded
from shared.billing.contracts.invoicing.billing_runs import (
    BillingRunFailed,
    BillingRunRetried,
    BillingRunStarted,
)
from shared.billing.contracts.invoicing.commitments import CommitmentInvoiceCounted, CommitmentStarted
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLine,
    InvoiceLinesRated,
    InvoicePaid,
    InvoiceVoided,
    TaxAmount,
)
from shared.billing.contracts.invoicing.number_series import InvoiceNumberAssigned
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.contracts.metering.usage_totals import UsageAggregated, UsageWindow
from shared.billing.contracts.payments.collections import (
    CollectionAttemptDue,
    CollectionCompleted,
    CollectionStarted,
)
from shared.billing.contracts.payments.payments import (
    PaymentFailed,
    PaymentRequested,
    PaymentSubmitted,
    PaymentSucceeded,
)
from shared.billing.contracts.payments.refunds import RefundIssued, RefundRequested
from shared.billing.contracts.subscriptions.contracts import CommitmentPeriod, ContractKind, ContractSigned
from shared.billing.contracts.subscriptions.coupons import CouponDefined, CouponDisabled, CouponRedeemed
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.billing.contracts.subscriptions.entitlements import EntitlementsChanged
from shared.billing.contracts.subscriptions.plans import Charge, PlanPublished
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionStarted
from shared.billing.discounts import PercentageOff
from shared.billing.entitlements import Entitlement
from shared.billing.money import Money
from shared.billing.period import Period
from shared.billing.pricing import PerUnit, RatingStep
from shared.framework.core.event import Event, Metadata
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.records import Append, ChangeSet, InboxAdvance, InboxPosition
from shared.framework.eventstore.unit_of_work import UnitOfWork
from shared.framework.messaging.feed import InProcessFeeds
from shared.framework.testing.fakes import FakeClock

TENANT = "acme"
PARTITIONS = 3
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
CONSUMER = "projections"


def day(number: float) -> datetime:
    """So many days after NEW_YEAR."""
    return NEW_YEAR + timedelta(days=number)


@dataclass
class Contexts:
    """The five contexts, each with a history of its own."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(NEW_YEAR))

    def __post_init__(self) -> None:
        self.stores = {context: MemoryEventStore(context, self.clock, CONTRACTS) for context in CONTEXTS}
        self.feeds = InProcessFeeds(self.stores)

    async def publish(
        self, context: str, stream_id: str, *events: Event, at: datetime, tenant_id: str = TENANT
    ) -> None:
        """Append to a stream as its service would."""
        store = self.stores[context]
        expected = await store.version(tenant_id, stream_id)
        metadata = Metadata(correlation_id="scenario", actor="publisher", occurred_at=at)
        append = Append(tenant_id, stream_id, expected, events, metadata)
        await store.commit(ChangeSet(appends=[append]))


async def deliver(
    contexts: Contexts, projector: Projector, store: Store, limit: int = 1000, order: Sequence[str] = ()
) -> None:
    """Project all published events, at most `limit` records in a commit."""
    for context in order or contexts.stores:
        for partition in range(PARTITIONS):
            while await deliver_page(contexts, projector, store, (context, partition), limit):
                pass


async def deliver_page(
    contexts: Contexts, projector: Projector, store: Store, place: tuple[str, int], limit: int
) -> bool:
    """Project the next records of one partition in one commit; whether there were any."""
    context, partition = place
    mark = (await store.inbox(CONSUMER)).get((TOPICS[context], partition))
    after = mark.position if mark else 0
    page = await contexts.feeds.page(context, partition, PARTITIONS, after, limit)
    if page.records:
        unit = UnitOfWork(store)
        await projector(unit, page.records)
        moved = InboxPosition(CONSUMER, TOPICS[context], partition, page.records[-1].position)
        unit.changes.inbox.append(InboxAdvance(moved, after))
        await unit.commit()
    return bool(page.records)


class MemoryReadSide:
    """A read side in memory."""

    def __init__(self) -> None:
        self.store = MemoryEventStore("projections", FakeClock(NEW_YEAR), CONTRACTS)
        self.rows = MemoryRowStore(self.store)
        self.archive = MemoryEventArchive(self.store)
        self.freshness = MemoryFreshness(self.store, CONSUMER)
        self.projector = Projector(READ_MODELS, self.rows, self.archive, self.freshness, PARTITIONS)


def dollars(cents: int) -> Money:
    return Money(cents, "USD")


async def a_customer(contexts: Contexts, name: str, tenant_id: str = TENANT) -> str:
    """A registered customer with a subscription; their id."""
    customer_id = f"cus_{tenant_id}_{name}"
    registered = CustomerRegistered(
        customer_id=customer_id,
        external_id=name,
        currency="USD",
        time_zone="America/New_York",
        registered_at=day(0),
    )
    await contexts.publish("subscriptions", customer_id, registered, at=day(0), tenant_id=tenant_id)
    started = SubscriptionStarted(
        subscription_id=f"sub_{tenant_id}_{name}",
        customer_id=customer_id,
        subject=name,
        plan_id=f"plan_{tenant_id}",
        plan_version=1,
        currency="USD",
        interval="P1M",
        charges=(),
        time_zone="America/New_York",
        anchor_at=day(0),
        started_at=day(0),
    )
    await contexts.publish("subscriptions", started.subscription_id, started, at=day(0), tenant_id=tenant_id)
    return customer_id


SSO = Entitlement(key="sso", kind="boolean")
SEATS = Entitlement(key="seats", kind="limit", limit=Decimal(10))


async def some_entitlements(contexts: Contexts, customer_id: str) -> None:
    """Two subscriptions of a customer give it entitlements; then one of them gives fewer."""
    more = msgspec.structs.replace(SEATS, limit=Decimal(25))
    for at, subscription, given in (
        (1, "sub_1", (SSO, SEATS)),
        (2, "sub_2", (more,)),
        (3, "sub_1", (SEATS,)),
    ):
        changed = EntitlementsChanged(
            customer_id=customer_id, subscription_id=subscription, entitlements=given, changed_at=day(at)
        )
        await contexts.publish("subscriptions", f"ent_{customer_id}", changed, at=day(at))


async def a_plan(contexts: Contexts, tenant_id: str = TENANT) -> None:
    """A plan that charges per unit."""
    charge = Charge(key="calls", name="Calls", meter_key="calls", price=PerUnit(unit_price=Decimal("0.01")))
    published = PlanPublished(
        plan_id=f"plan_{tenant_id}",
        key="basic",
        version=1,
        name="Basic",
        currency="USD",
        interval="P1M",
        charges=(charge,),
        published_at=day(0),
        entitlements=(SSO, SEATS),
    )
    await contexts.publish("subscriptions", published.plan_id, published, at=day(0), tenant_id=tenant_id)


async def a_coupon(contexts: Contexts, customers: Sequence[str]) -> str:
    """A coupon of ten per cent that these customers have redeemed, and that is disabled since; its id."""
    defined = CouponDefined(
        coupon_id="cpn_spring",
        code="SPRING",
        name="Spring",
        reduction=PercentageOff(percent=Decimal(10)),
        periods=3,
        plan_keys=("basic",),
        charge_keys=(),
        customer_id=None,
        redemptions_max=2,
        redemptions_per_customer_max=None,
        expires_at=day(20),
        defined_at=day(1),
    )
    redemptions = [
        CouponRedeemed(
            coupon_id="cpn_spring",
            number=number,
            customer_id=customer_id,
            subscription_id=customer_id.replace("cus_", "sub_"),
            redeemed_at=day(number),
        )
        for number, customer_id in enumerate(customers, start=1)
    ]
    disabled = CouponDisabled(coupon_id="cpn_spring", disabled_at=day(9))
    for one in redemptions:
        await contexts.publish("subscriptions", f"crd_{one.customer_id}", one, at=one.redeemed_at)
    await contexts.publish("subscriptions", "cpn_spring", defined, disabled, at=day(9))
    return defined.coupon_id


async def a_failed_billing_run(contexts: Contexts, customer_id: str, invoice_id: str) -> None:
    """A run that failed, was retried, and failed again."""
    run: dict[str, Any] = {
        "run_id": f"run_{invoice_id}",
        "invoice_id": invoice_id,
        "subscription_id": customer_id.replace("cus_", "sub_"),
        "customer_id": customer_id,
    }
    january = Period(day(0), day(31))
    started = BillingRunStarted(
        **run,
        currency="USD",
        time_zone="UTC",
        charges=(),
        period=january,
        full_period=january,
        started_at=day(31),
    )
    failed = BillingRunFailed(**run, code="invoice-too-large", reason="too much", failed_at=day(32))
    retried = BillingRunRetried(**run, period=january, charges=(), attempt=2, retried_at=day(33))
    again = msgspec.structs.replace(failed, failed_at=day(34))
    await contexts.publish("invoicing", run["run_id"], started, failed, retried, again, at=day(34))


async def an_invoice(
    contexts: Contexts, customer_id: str, number: int, cents: int, at: datetime, tenant_id: str = TENANT
) -> str:
    """A finalized invoice of one line without tax; its id."""
    invoice_id, amount = f"inv_{tenant_id}_{number}", dollars(cents)
    step = RatingStep(
        description="per unit", quantity=Decimal(cents), unit_price=Decimal("0.01"), amount=amount.major
    )
    line = InvoiceLine(
        line_id="1",
        charge_key="calls",
        description="Calls",
        quantity=Decimal(cents),
        amount=amount,
        steps=(step,),
    )
    drafted = InvoiceDrafted(
        invoice_id=invoice_id,
        customer_id=customer_id,
        currency="USD",
        subscription_id=customer_id.replace("cus_", "sub_"),
        period=None,
        drafted_at=at,
    )
    rated = InvoiceLinesRated(invoice_id=invoice_id, lines=(line,), reading_id=None, rated_at=at)
    finalized = InvoiceFinalized(
        invoice_id=invoice_id,
        customer_id=customer_id,
        subscription_id=drafted.subscription_id,
        number=f"INV-{number:06}",
        lines=(line,),
        taxes=(TaxAmount(name="none", rate=Decimal(0), base=amount, amount=dollars(0)),),
        subtotal=amount,
        tax=dollars(0),
        total=amount,
        amount_due=amount,
        finalized_at=at,
    )
    assigned = InvoiceNumberAssigned(
        series="default", number=finalized.number, invoice_id=invoice_id, assigned_at=at
    )
    await contexts.publish("invoicing", f"ser_{tenant_id}", assigned, at=at, tenant_id=tenant_id)
    await contexts.publish("invoicing", invoice_id, drafted, rated, finalized, at=at, tenant_id=tenant_id)
    return invoice_id


async def a_payment(
    contexts: Contexts, customer_id: str, invoice_id: str, cents: int, at: datetime, tenant_id: str = TENANT
) -> str:
    """A first attempt that is declined and a second that pays the invoice; the second's id."""
    collection_id, amount = f"col_{invoice_id}", dollars(cents)
    started = CollectionStarted(
        collection_id=collection_id,
        invoice_id=invoice_id,
        customer_id=customer_id,
        amount=amount,
        started_at=at,
    )
    dues = [
        CollectionAttemptDue(collection_id=collection_id, attempt=n, due_at=at, reason="schedule")
        for n in (1, 2)
    ]
    declined, paid = f"pay_{invoice_id}_1", f"pay_{invoice_id}_2"
    await contexts.publish("payments", collection_id, started, dues[0], at=at, tenant_id=tenant_id)
    for number, payment_id in enumerate((declined, paid), start=1):
        requested = PaymentRequested(
            payment_id=payment_id,
            collection_id=collection_id,
            invoice_id=invoice_id,
            customer_id=customer_id,
            attempt=number,
            amount=amount,
            method_id="pm_1",
            gateway="sandbox",
            gateway_key=payment_id,
            requested_at=at,
        )
        submitted = PaymentSubmitted(payment_id=payment_id, submitted_at=at)
        await contexts.publish("payments", payment_id, requested, submitted, at=at, tenant_id=tenant_id)
    failed = PaymentFailed(
        payment_id=declined,
        invoice_id=invoice_id,
        customer_id=customer_id,
        decline_code="insufficient_funds",
        hard=False,
        failed_at=at,
    )
    succeeded = PaymentSucceeded(
        payment_id=paid,
        invoice_id=invoice_id,
        customer_id=customer_id,
        amount=amount,
        gateway_reference="ch_1",
        succeeded_at=at,
    )
    completed = CollectionCompleted(
        collection_id=collection_id, invoice_id=invoice_id, payment_id=paid, completed_at=at
    )
    was_paid = InvoicePaid(
        invoice_id=invoice_id, customer_id=customer_id, payment_id=paid, amount=amount, paid_at=at
    )
    await contexts.publish("payments", declined, failed, at=at, tenant_id=tenant_id)
    await contexts.publish("payments", collection_id, dues[1], completed, at=at, tenant_id=tenant_id)
    await contexts.publish("payments", paid, succeeded, at=at, tenant_id=tenant_id)
    await contexts.publish("invoicing", invoice_id, was_paid, at=at, tenant_id=tenant_id)
    return paid


async def a_void(contexts: Contexts, customer_id: str, invoice_id: str, cents: int, at: datetime) -> None:
    """The invoice is not owed any more."""
    voided = InvoiceVoided(
        invoice_id=invoice_id,
        customer_id=customer_id,
        amount_due=dollars(cents),
        reason="mistake",
        voided_at=at,
    )
    await contexts.publish("invoicing", invoice_id, voided, at=at)


async def a_refund(
    contexts: Contexts, customer_id: str, invoice_id: str, payment_id: str, cents: int, at: datetime
) -> None:
    """The payment goes back."""
    refund_id = f"ref_{payment_id}"
    requested = RefundRequested(
        refund_id=refund_id,
        payment_id=payment_id,
        invoice_id=invoice_id,
        customer_id=customer_id,
        amount=dollars(cents),
        gateway_key=refund_id,
        reason="voided",
        requested_at=at,
    )
    issued = RefundIssued(
        refund_id=refund_id,
        payment_id=payment_id,
        invoice_id=invoice_id,
        customer_id=customer_id,
        amount=dollars(cents),
        gateway_reference="re_1",
        issued_at=at,
    )
    await contexts.publish("payments", payment_id, requested, at=at)
    await contexts.publish("payments", payment_id, issued, at=at)


async def some_usage(contexts: Contexts, subject: str, calls: int, tenant_id: str = TENANT) -> None:
    """A count meter, one batch of events, and the day's total published twice: half of it, then all."""
    meter = MeterDefined(
        meter_id=f"mtr_{tenant_id}",
        key="calls",
        event_type="api.called",
        aggregation="count",
        value_path=None,
        group_by=(),
        filter={},
        defined_at=day(0),
    )
    if not await contexts.stores["metering"].version(tenant_id, meter.meter_id):
        await contexts.publish("metering", meter.meter_id, meter, at=day(0), tenant_id=tenant_id)
    events = tuple(
        UsageEvent(id=f"{subject}-{n}", source="api", type="api.called", subject=subject, time=day(3))
        for n in range(calls)
    )
    batch = UsageRecorded(batch_id=f"ub_{tenant_id}_{subject}", accepted_at=day(3), events=events)
    await contexts.publish("ingest", batch.batch_id, batch, at=day(3), tenant_id=tenant_id)
    for number, value in enumerate((calls // 2, calls)):
        window = UsageWindow(
            meter_key="calls",
            subject=subject,
            dimensions={},
            day=day(3).date().isoformat(),
            value=Decimal(value),
        )
        aggregated = UsageAggregated(windows=(window,), aggregated_at=day(3))
        await contexts.publish(
            "metering", f"agg_{tenant_id}_{subject}_{number}", aggregated, at=day(3), tenant_id=tenant_id
        )


async def a_contract(contexts: Contexts, customer_id: str, invoice_id: str, cents: int) -> None:
    """A minimum of twice what one invoice charged; its commitment is open."""
    period, minimum = Period(day(1), day(40)), dollars(2 * cents)
    signed = ContractSigned(
        contract_id="con_1",
        customer_id=customer_id,
        name="Frame",
        kind=ContractKind.MINIMUM,
        currency="USD",
        time_zone="UTC",
        interval="P39D",
        starts_at=period.start,
        ends_at=period.end,
        periods=(CommitmentPeriod(period=period, full_period=period, commitment=minimum),),
        subscription_ids=None,
        overage=None,
        volume_discounts=(),
        termination_fee=None,
        signed_at=day(1),
    )
    started = CommitmentStarted(
        commitment_id="cmt_1",
        contract_id="con_1",
        customer_id=customer_id,
        contract_name="Frame",
        kind=ContractKind.MINIMUM,
        number=0,
        period=period,
        amount=minimum,
        started_at=day(1),
    )
    counted = CommitmentInvoiceCounted(
        commitment_id="cmt_1",
        contract_id="con_1",
        customer_id=customer_id,
        invoice_id=invoice_id,
        subscription_id=customer_id.replace("cus_", "sub_"),
        charged=dollars(cents),
        usage=dollars(0),
        discount=dollars(0),
        drawn=dollars(0),
        overage=dollars(0),
        awaited=0,
        counted_at=day(31),
    )
    await contexts.publish("subscriptions", "con_1", signed, at=day(1))
    await contexts.publish("invoicing", "cmt_1", started, counted, at=day(31))


async def a_year_in_short(contexts: Contexts) -> None:
    """Two customers of one tenant and one of another: usage, invoices, a void, payments and a refund."""
    await a_plan(contexts)
    ada, bob = await a_customer(contexts, "ada"), await a_customer(contexts, "bob")
    eve = await a_customer(contexts, "eve", tenant_id="other")
    await some_usage(contexts, "ada", 10)
    await some_usage(contexts, "bob", 7)
    first = await an_invoice(contexts, ada, 1, 10_00, day(31))
    await a_failed_billing_run(contexts, bob, "inv_failed")
    await a_payment(contexts, ada, first, 10_00, day(34))
    second = await an_invoice(contexts, bob, 2, 25_00, day(31))
    paid = await a_payment(contexts, bob, second, 25_00, day(31))
    await a_void(contexts, bob, second, 25_00, day(40))
    await a_refund(contexts, bob, second, paid, 25_00, day(41))
    await an_invoice(contexts, ada, 3, 7_00, day(59))
    await an_invoice(contexts, eve, 1, 99_00, day(31), tenant_id="other")
    await a_coupon(contexts, [ada, bob])
    await some_entitlements(contexts, ada)
    await a_contract(contexts, ada, first, 10_00)


ADA = f"cus_{TENANT}_ada"
BOB = f"cus_{TENANT}_bob"
ADA_OWES = balance_id(ADA, "USD")
BOB_OWES = balance_id(BOB, "USD")
