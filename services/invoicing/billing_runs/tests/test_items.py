"""Items of subscriptions on invoices: in advance, prorated, given back, held, and carried as credit."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from services.invoicing.billing_runs.tests.test_billing import taxed
from services.invoicing.customer_credit.decider import CUSTOMER_CREDIT, customer_credit_id
from services.invoicing.tests.harness import Harness
from services.invoicing.tests.scenarios import CALLS, LATER, closed, percent_off, quantity, reading
from shared.billing.contracts.invoicing.billing_runs import BillingRunCompleted
from shared.billing.contracts.invoicing.invoices import InvoiceDrafted, InvoiceVoided
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import ChargesDue
from shared.billing.period import Period
from shared.billing.pricing import Flat, Graduated, PerUnit, Tier
from shared.framework.core.event import Metadata
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact

MARCH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
FROM_15 = Period(datetime(2026, 3, 15, tzinfo=UTC), MARCH.end)


def charge(price: Any, **fields: Any) -> Charge:
    """A charge without a meter."""
    return Charge(key="base", name="Base", price=price, **{"in_advance": True} | fields)


def fee(amount: str) -> Charge:
    return charge(Flat(amount=Decimal(amount)))


def seats(amount: str) -> Charge:
    return charge(PerUnit(unit_price=Decimal(amount)), seats=True)


def item(
    of: Charge, item_id: str, period: Period = MARCH, times: int = 1, credit_of: str | None = None
) -> BillingItem:
    """An item of March, or of a part of it."""
    return BillingItem(
        item_id=item_id,
        charge=of,
        quantity=Decimal(times),
        period=period,
        full_period=MARCH,
        credit_of=credit_of,
    )


def due(*items: BillingItem, proration: Any = "day", currency: str = "USD") -> ChargesDue:
    """Items that are due."""
    return ChargesDue(
        due_id="due_" + "_".join(one.item_id for one in items),
        subscription_id="sub_1",
        customer_id="cus_1",
        plan_id="plan_1",
        plan_version=1,
        currency=currency,
        time_zone="UTC",
        proration=proration,
        items=items,
        effective_at=LATER,
        due_at=LATER,
    )


async def pay(service: Harness, number: int = -1) -> None:
    """Pay a document in full."""
    document = (await service.documents())[number]
    await service.deliver(
        PaymentSucceeded(
            payment_id=f"pay_{document.invoice_id}",
            invoice_id=document.invoice_id,
            customer_id="cus_1",
            amount=document.amount_due,
            gateway_reference="sbx_1",
            succeeded_at=LATER,
        )
    )


async def credit(service: Harness) -> int:
    """The customer's credit in minor units."""
    found = []

    async def read(unit: UnitOfWork) -> None:
        session = unit.session("acme", Metadata(correlation_id="c", actor="a", occurred_at=LATER))
        found.append((await session.state(CUSTOMER_CREDIT, customer_credit_id("cus_1", "USD"))).left)

    await transact(service.store, read)
    return found[0]


async def amounts(service: Harness) -> list[int]:
    """The lines' amounts of the newest document."""
    return [line.amount.minor for line in (await service.documents())[-1].lines]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((fee("10"), 1), (fee("20"), 1), [-548, 1097]),
        ((fee("100"), 1), (fee("30"), 1), [-5484, 1645]),
        ((seats("10"), 5), (seats("10"), 10), [-2742, 5484]),
    ],
)
async def test_a_change_within_a_period_is_prorated_by_day(
    before: tuple[Charge, int], after: tuple[Charge, int], expected: list[int]
) -> None:
    """Vector V47: 17 of 31 days."""
    service = Harness()
    await service.deliver(due(item(before[0], "itm_1", times=before[1])))
    await pay(service)
    await service.deliver(
        due(
            item(before[0], "itm_2", FROM_15, before[1], credit_of="itm_1"),
            item(after[0], "itm_3", FROM_15, after[1]),
        )
    )
    assert await amounts(service) == expected


@pytest.mark.parametrize(("proration", "expected"), [("day", 5484), ("second", 5484), ("none", 10000)])
async def test_the_plan_says_how_a_part_is_billed(proration: str, expected: int) -> None:
    """From midnight of a zone without summer time, days and seconds agree."""
    service = Harness()
    await service.deliver(due(item(fee("100"), "itm_1", FROM_15), proration=proration))
    assert await amounts(service) == [expected]


async def test_seconds_are_finer_than_days() -> None:
    """From noon of 15 March: 16.5 of 31 days."""
    noon = Period(datetime(2026, 3, 15, 12, tzinfo=UTC), MARCH.end)
    service = Harness()
    await service.deliver(due(item(fee("31"), "itm_1", noon), proration="second"))
    assert await amounts(service) == [1650]


async def test_seats_have_any_price_of_a_total() -> None:
    """12 seats: 10 at 5.00, 2 at 4.00, for 17 of 31 days; each step is a part."""
    tiers = (
        Tier(up_to=Decimal(10), unit_price=Decimal(5)),
        Tier(up_to=None, unit_price=Decimal(4)),
    )
    service = Harness()
    await service.deliver(due(item(charge(Graduated(tiers=tiers), seats=True), "itm_1", FROM_15, 12)))
    assert await amounts(service) == [3181]
    (line,) = (await service.documents())[0].lines
    assert [step.description for step in line.steps] == ["0 to 10, 17 of 31 days", "above 10, 17 of 31 days"]
    assert (line.quantity, line.item_id) == (Decimal(12), "itm_1")


async def test_a_total_below_zero_becomes_credit_that_pays_later_invoices() -> None:
    """Billing rule 12: -54.84 + 16.45 = -38.39 is not collected; the next invoice of 31.00 is paid by it."""
    service = Harness()
    await service.deliver(due(item(fee("100"), "itm_1")))
    await pay(service)
    await service.deliver(
        due(
            item(fee("100"), "itm_2", FROM_15, credit_of="itm_1"),
            item(fee("30"), "itm_3", FROM_15),
        )
    )
    below = (await service.documents())[-1]
    assert (below.total.minor, below.amount_due.minor, await credit(service)) == (-3839, 0, 3839)
    await service.deliver(due(item(fee("31"), "itm_4")))
    paid = (await service.documents())[-1]
    assert (paid.total.minor, paid.amount_due.minor) == (3100, 0)
    assert paid.credit_applied is not None
    assert (paid.credit_applied.minor, await credit(service)) == (3100, 739)
    await service.post_ok(f"/v1/invoices/{paid.invoice_id}/void", {"reason": "mistake"})
    assert await credit(service) == 3839


async def test_of_an_item_with_a_discount_the_same_part_is_given_back() -> None:
    """100.00 less 40% was billed as 60.00: of 17 of 31 days 32.90 come back, in both orders of payment."""
    service = Harness()
    billed = msgspec.structs.replace(due(item(fee("100"), "itm_1")), discounts=(percent_off("40"),))
    back = due(item(fee("100"), "itm_2", FROM_15, credit_of="itm_1"), item(fee("62"), "itm_3", FROM_15))
    await service.deliver(billed)
    assert (await service.documents())[0].total.minor == 6000
    await pay(service)
    await service.deliver(back)
    assert await amounts(service) == [-3290, 3400]
    steps = (await service.documents())[-1].lines[0].steps
    assert [step.description for step in steps][1:] == ["less the discount that it was billed with"]
    other = Harness()
    await other.deliver(billed, back)
    await pay(other, 0)
    assert await credit(other) == 3290


async def test_no_more_is_given_back_than_was_paid() -> None:
    """Billing rule 9, vector V49: the second credit of the same item finds what the first one left."""
    service = Harness()
    await service.deliver(due(item(fee("100"), "itm_1")))
    await pay(service)
    for number in (2, 3):
        await service.deliver(
            due(
                item(fee("100"), f"itm_{number}", FROM_15, credit_of="itm_1"),
                item(fee("100"), f"itm_{number}b", MARCH),
            )
        )
    assert await amounts(service) == [-4516, 10000]
    last = (await service.documents())[-1].lines[0].steps[-1]
    assert (last.description, last.amount > 0) == ("limited to what was paid", True)


async def test_what_is_not_paid_yet_is_given_back_as_credit_when_it_is() -> None:
    """With the tax of then; the new charge is billed in full meanwhile."""
    service = Harness()
    await taxed(service)
    await service.deliver(due(item(fee("31"), "itm_1")))
    await service.deliver(
        due(item(fee("31"), "itm_2", FROM_15, credit_of="itm_1"), item(fee("62"), "itm_3", FROM_15))
    )
    assert await amounts(service) == [3400]
    assert await credit(service) == 0
    await pay(service, 0)
    assert await credit(service) == 1700 + 140
    await pay(service, 0)
    assert await credit(service) == 1700 + 140


async def test_nothing_is_given_back_of_a_voided_invoice() -> None:
    """It is not owed; a credit alone then leaves no invoice."""
    service = Harness()
    await service.deliver(due(item(fee("31"), "itm_1")))
    (document,) = await service.documents()
    await service.post_ok(f"/v1/invoices/{document.invoice_id}/void", {"reason": "mistake"})
    await service.deliver(due(item(fee("31"), "itm_2", FROM_15, credit_of="itm_1")))
    assert len(await service.documents()) == 1
    assert await credit(service) == 0


async def test_the_close_of_a_period_has_usage_and_items_on_one_invoice() -> None:
    """Delivered twice, it is one invoice."""
    service = Harness()
    both = msgspec.structs.replace(closed(charges=(CALLS,)), items=(item(fee("31"), "itm_1"),))
    for _ in range(2):
        await service.deliver(both, reading(quantity("calls", "120")))
        await service.deliver(due(item(fee("8"), "itm_2")))
    first, second = await service.documents()
    assert [line.amount.minor for line in first.lines] == [220, 3100]
    assert second.total.minor == 800


async def test_a_period_of_which_nothing_is_billed_has_no_invoice() -> None:
    """Its run is completed; where all that was to be given back is held, the draft is voided."""
    service = Harness()
    empty = closed(charges=())
    await service.deliver(empty, reading())
    assert not any(isinstance(event, InvoiceDrafted) for event in await service.history())
    await service.deliver(due(item(fee("31"), "itm_1")))
    credit_only = closed("sub_2", charges=())
    credit_only = msgspec.structs.replace(
        credit_only, items=(item(fee("31"), "itm_2", FROM_15, credit_of="itm_1"),)
    )
    await service.deliver(credit_only, reading(subscription_id="sub_2"))
    history = await service.history()
    assert [event.reason for event in history if isinstance(event, InvoiceVoided)] == ["nothing to bill"]
    assert sum(isinstance(event, BillingRunCompleted) for event in history) == 2
    assert len(await service.documents()) == 1
