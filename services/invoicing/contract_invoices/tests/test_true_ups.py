"""Minimums in the service: which invoices count, and what is billed as true-up."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from services.invoicing.billing_runs.decider import invoice_id_of
from services.invoicing.contract_invoices.tests.business import (
    END,
    HOUR,
    QUARTER,
    Business,
    charges_due,
    read,
    run_of,
)
from services.invoicing.tests.contracts import signed
from services.invoicing.tests.scenarios import FEE, JANUARY, closed, quantity, reading, succeeded
from shared.billing.contracts.invoicing.commitments import CommitmentInvoiceCounted
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.contracts import (
    ContractKind,
    Overage,
)
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.period import Period
from shared.billing.pricing import Flat, PerUnit


async def test_what_is_missing_at_the_end_of_a_period_is_billed_as_true_up() -> None:
    """1000.00 less 49.00 and 12.50: an invoice of its own, two hours after the period."""
    business = Business()
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "1000"))
    await business.bill(JANUARY, "1000")
    assert await business.issued("true-up") == []
    await business.at(JANUARY.end + 3 * HOUR)
    [document] = await business.issued("true-up")
    assert (document.subtotal.minor, document.subscription_id) == (93_850, None)
    assert (document.finalized_at, document.number) == (JANUARY.end + 2 * HOUR, "INV-000002")
    [line] = document.lines
    assert line.period == JANUARY
    assert [step.amount for step in line.steps] == [Decimal(1000), Decimal("-61.50")]


async def test_a_plan_minimum_of_two_days_is_prorated_and_trued_up() -> None:
    """Vector V35: 2 of 29 days of 10,000.00 are 689.66; less 6.90, 15, 25 and 30 that is 612.76."""
    business = Business()
    february = Period(datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC))
    days = Period(datetime(2028, 2, 28, tzinfo=UTC), february.end)
    contract = signed(ContractKind.MINIMUM, "10000", periods=[days])
    [whole] = contract.periods
    cut = (msgspec.structs.replace(whole, full_period=february),)
    await business.at(days.start, msgspec.structs.replace(contract, periods=cut))
    amounts = ("6.90", "15", "25", "30")
    charges = tuple(Charge(key=one, name=one, price=Flat(amount=Decimal(one))) for one in amounts)
    await business.at(days.end, closed("sub_1", charges, days), reading(period=days))
    await business.at(days.end + 3 * HOUR)
    [document] = await business.issued("true-up")
    assert document.total.minor == 61_276


async def test_two_features_share_a_commitment_and_its_overage() -> None:
    """Vector V78: 5000 at 1.00, then 2500 at 2.00, beyond 1000.00 at 1.5 times: 14,500.00 in all."""
    business = Business()
    overage = Overage(multiplier=Decimal("1.5"))
    await business.at(JANUARY.start, signed(ContractKind.POSTPAID, "1000", overage=overage))
    first = Charge(key="f1", name="F1", meter_key="f1", price=PerUnit(unit_price=Decimal(1)))
    second = Charge(key="f2", name="F2", meter_key="f2", price=PerUnit(unit_price=Decimal(2)))
    taken = reading(quantity("f1", "5000"), quantity("f2", "2500"))
    await business.at(JANUARY.end, closed("sub_1", (first, second)), taken)
    await business.at(JANUARY.end + 3 * HOUR)
    [document] = await business.service.documents()
    assert document.total.minor == 1_450_000


async def test_tax_is_on_what_is_missing() -> None:
    """Billing rule 6: 19 % of 938.50, after discounts."""
    business = Business()
    tax = {"name": "VAT", "rate": "0.19", "source": "law"}
    assert (await business.service.request("PUT", "/v1/tax-rate", tax)).status_code == 200
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "1000"))
    await business.bill(JANUARY, "1000")
    await business.at(JANUARY.end + 3 * HOUR)
    [document] = await business.issued("true-up")
    assert (document.subtotal.minor, document.tax.minor) == (93_850, 17_832)


async def test_two_invoices_at_once_both_count() -> None:
    """Of two commits one is decided again."""
    business = Business()
    await business.at(JANUARY.start, signed(ContractKind.PREPAID, "20"))
    names = ("sub_1", "sub_2")
    await business.at(JANUARY.end, *(run_of(JANUARY, name) for name in names))
    business.service.clock.move(HOUR)
    await asyncio.gather(
        *(business.service.deliver(read(JANUARY, "1000", name), at=JANUARY.end + HOUR) for name in names)
    )
    await business.at(JANUARY.end + 3 * HOUR)
    history = await business.service.history()
    drawn = [event.drawn.minor for event in history if isinstance(event, CommitmentInvoiceCounted)]
    assert drawn == [1250, 750]


async def test_a_subscription_in_another_currency_is_not_under_the_contract() -> None:
    """It covers all subscriptions in its own."""
    business = Business()
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "1000"))
    run = msgspec.structs.replace(run_of(JANUARY), currency="EUR")
    await business.at(JANUARY.end, run, read(JANUARY, "1000"))
    await business.at(JANUARY.end + 3 * HOUR)
    [document] = await business.issued("true-up")
    assert document.subtotal.minor == 100_000


@pytest.mark.parametrize("lost_at", [HOUR, 40 * HOUR, 31 * 24 * HOUR + HOUR, 45 * 24 * HOUR])
async def test_contracts_go_on_after_a_restore(lost_at: timedelta) -> None:
    """Only events come back: the timers are set again, and nothing is billed twice."""
    found = []
    for is_lost in (False, True):
        business = Business()
        contract = signed(ContractKind.PREPAID, "20", "30", "40", periods=QUARTER)
        await business.at(JANUARY.start, contract)
        await business.at(JANUARY.start + lost_at)
        if is_lost:
            await business.lose_timers()
        await business.at(END + 3 * HOUR)
        documents = await business.service.documents()
        found.append([(one.finalized_at, one.subtotal.minor) for one in documents])
    assert found[0] == found[1]
    assert len(found[0]) == 3


async def test_there_is_no_true_up_when_the_commitment_is_reached() -> None:
    """61.50 of 61.50."""
    business = Business()
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "61.50"))
    await business.bill(JANUARY, "1000")
    await business.at(JANUARY.end + 3 * HOUR)
    assert await business.issued("true-up") == []


async def test_invoices_of_several_subscriptions_count_in_one_contract() -> None:
    """Also when both are finalized by one delivery; a subscription that is not listed does not count."""
    business = Business()
    listed = signed(ContractKind.MINIMUM, "1000", subscription_ids=("sub_1", "sub_2"))
    await business.at(JANUARY.start, listed)
    names = ("sub_1", "sub_2", "sub_3")
    await business.at(JANUARY.end, *(run_of(JANUARY, name) for name in names))
    await business.at(JANUARY.end + HOUR, *(read(JANUARY, "1000", name) for name in names))
    await business.at(JANUARY.end + 3 * HOUR)
    [document] = await business.issued("true-up")
    assert document.subtotal.minor == 100_000 - 2 * 6150


async def test_a_true_up_waits_for_the_last_reading() -> None:
    """Usage that was sent in time may be read late: the true-up comes with that invoice."""
    business = Business()
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "1000"))
    await business.at(JANUARY.end, run_of(JANUARY), run_of(JANUARY, "sub_2"))
    await business.at(JANUARY.end + HOUR, read(JANUARY, "0"))
    await business.at(JANUARY.end + 30 * HOUR)
    assert await business.issued("true-up") == []
    await business.at(JANUARY.end + 31 * HOUR, read(JANUARY, "1000", "sub_2"))
    [document] = await business.issued("true-up")
    assert (document.subtotal.minor, document.finalized_at) == (
        100_000 - 4900 - 6150,
        JANUARY.end + 31 * HOUR,
    )


async def test_a_true_up_does_not_wait_for_a_voided_draft() -> None:
    """Nothing will be billed for it."""
    business = Business()
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "1000"))
    await business.at(JANUARY.end, run_of(JANUARY))
    await business.at(JANUARY.end + 3 * HOUR)
    await business.service.post_ok(
        f"/v1/invoices/{invoice_id_of('sub_1', JANUARY)}/void", {"reason": "error"}
    )
    await business.at(JANUARY.end + 3 * HOUR)
    [document] = await business.issued("true-up")
    assert document.subtotal.minor == 100_000


async def test_a_voided_invoice_counts_only_in_what_is_closed() -> None:
    """Before the close it is taken out; the true-up after it is final."""
    business = Business()
    periods = QUARTER[:2]
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "1000", "1000", periods=periods))
    for period in periods:
        await business.bill(period, "1000")
        await business.service.post_ok(
            f"/v1/invoices/{invoice_id_of('sub_1', periods[0])}/void", {"reason": "error"}
        )
        await business.at(period.end + 3 * HOUR)
    assert [one.subtotal.minor for one in await business.issued("true-up")] == [100_000, 93_850]


async def test_a_period_that_was_closed_before_counts_in_the_next_one() -> None:
    """A subscription that is backdated into it: what the first true-up billed too much, the second lacks."""
    business = Business()
    periods = QUARTER[:2]
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "100", "100", periods=periods))
    await business.at(JANUARY.end + 3 * HOUR)
    await business.at(JANUARY.end + 4 * HOUR, run_of(JANUARY), read(JANUARY, "1000"))
    await business.at(periods[1].end + 3 * HOUR)
    assert [one.subtotal.minor for one in await business.issued("true-up")] == [10_000, 3850]


async def test_commitments_may_rise_from_period_to_period() -> None:
    """A ramp."""
    business = Business()
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "100", "200", "300", periods=QUARTER))
    for period in QUARTER:
        await business.bill(period, "0")
    await business.at(END + 3 * HOUR)
    assert [one.subtotal.minor for one in await business.issued("true-up")] == [5100, 15_100, 25_100]


async def test_a_charge_in_advance_counts_where_its_time_ends() -> None:
    """February's 49.00, billed at its start, counts in February; what is given back is taken off again."""
    business = Business()
    periods = QUARTER[:2]
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "100", "100", periods=periods))
    february = periods[1]
    advance = BillingItem(
        item_id="itm_1", charge=FEE, quantity=Decimal(1), period=february, full_period=february
    )
    await business.at(JANUARY.end, charges_due("due_1", advance))
    [billed] = await business.service.documents()
    await business.service.deliver(succeeded(billed.invoice_id, 4900), at=JANUARY.end)
    rest = Period(datetime(2026, 2, 15, tzinfo=UTC), february.end)
    back = msgspec.structs.replace(advance, item_id="itm_2", period=rest, credit_of="itm_1")
    await business.at(rest.start, charges_due("due_2", back))
    await business.at(february.end + 3 * HOUR)
    assert [one.subtotal.minor for one in await business.issued("true-up")] == [10_000, 10_000 - 2450]
