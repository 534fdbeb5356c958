"""The customers, periods and readings of the tests of invoicing."""

from datetime import UTC, datetime
from decimal import Decimal

from services.invoicing.billing_runs.decider import invoice_id_of, run_id_of
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.contracts.metering.readings import MeterQuantity, UsageReadingTaken
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.discounts import AmountOff, Discount, PercentageOff
from shared.billing.money import Money
from shared.billing.period import Period
from shared.billing.pricing import Flat, Graduated, PerUnit, Tier

JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
END = JANUARY.end
LATER = datetime(2026, 2, 1, 1, tzinfo=UTC)

FEE = Charge(key="fee", name="Fee", price=Flat(amount=Decimal("49.00")))
CALLS = Charge(
    key="calls",
    name="Calls",
    meter_key="calls",
    price=Graduated(
        tiers=(
            Tier(up_to=Decimal(100), unit_price=Decimal("0.02")),
            Tier(up_to=None, unit_price=Decimal("0.01")),
        )
    ),
)
MILES = Charge(key="miles", name="Miles", meter_key="miles", price=PerUnit(unit_price=Decimal("0.0125")))

REGISTERED = CustomerRegistered(
    customer_id="cus_1", external_id="acme-1", currency="USD", time_zone="UTC", registered_at=JANUARY.start
)


def closed(
    subscription_id: str = "sub_1",
    charges: tuple[Charge, ...] = (FEE, CALLS),
    period: Period = JANUARY,
    *,
    full_period: Period | None = None,
    currency: str = "USD",
    time_zone: str = "UTC",
    discounts: tuple[Discount, ...] = (),
) -> BillingPeriodClosed:
    """The close of January; `full_period` where it was cut."""
    return BillingPeriodClosed(
        subscription_id=subscription_id,
        customer_id="cus_1",
        subject="acme-1",
        plan_id="plan_1",
        plan_version=1,
        currency=currency,
        time_zone=time_zone,
        charges=charges,
        period_index=0,
        period=period,
        full_period=full_period or period,
        closed_at=period.end,
        discounts=discounts,
    )


def percent_off(percent: str, *charge_keys: str, coupon: str = "cpn_1") -> Discount:
    """A percentage off these charges, or off all."""
    return Discount(
        discount_id=coupon,
        name=f"{percent}% off",
        reduction=PercentageOff(percent=Decimal(percent)),
        charge_keys=charge_keys,
    )


def amount_off(minor: int, *charge_keys: str, coupon: str = "cpn_2", currency: str = "USD") -> Discount:
    """An amount off these charges, or off all."""
    return Discount(
        discount_id=coupon,
        name=f"{minor} off",
        reduction=AmountOff(amount=Money(minor, currency)),
        charge_keys=charge_keys,
    )


def quantity(meter_key: str, amount: str, **dimensions: str) -> MeterQuantity:
    """The quantity of a meter."""
    return MeterQuantity(meter_key=meter_key, dimensions=dimensions, quantity=Decimal(amount))


def reading(
    *quantities: MeterQuantity, subscription_id: str = "sub_1", period: Period = JANUARY
) -> UsageReadingTaken:
    """The reading of January."""
    return UsageReadingTaken(
        reading_id=f"rdg_{subscription_id}",
        subscription_id=subscription_id,
        customer_id="cus_1",
        subject="acme-1",
        period=period,
        quantities=quantities,
        cutoff_partition=0,
        cutoff_position=9,
        taken_at=LATER,
    )


def succeeded(invoice_id: str, minor: int, payment_id: str = "pay_1") -> PaymentSucceeded:
    """A payment succeeded."""
    return PaymentSucceeded(
        payment_id=payment_id,
        invoice_id=invoice_id,
        customer_id="cus_1",
        amount=Money(minor, "USD"),
        gateway_reference="sbx_1",
        succeeded_at=LATER,
    )


def line(minor: int, currency: str = "USD") -> InvoiceLine:
    """A line of an amount."""
    amount = Money(minor, currency)
    return InvoiceLine(
        line_id="lin_1", charge_key=None, description="Work", quantity=Decimal(1), amount=amount
    )


RUN_ID = run_id_of("sub_1", JANUARY)
INVOICE_ID = invoice_id_of("sub_1", JANUARY)
