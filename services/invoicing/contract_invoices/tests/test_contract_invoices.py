"""Contracts and invoices in the service: what is drawn, discounted, and due at the end."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.invoicing.contract_invoices.tests.business import (
    END,
    HOUR,
    QUARTER,
    Business,
    amount_of,
    discount_of,
    read,
    run_of,
    terminated,
)
from services.invoicing.tests.contracts import signed
from services.invoicing.tests.scenarios import JANUARY
from shared.billing.contracts.invoicing.commitments import CommitmentClosed, CommitmentInvoiceCounted
from shared.billing.contracts.subscriptions.contracts import (
    ContractKind,
    Overage,
    TerminationFee,
    VolumeDiscount,
)
from shared.billing.discounts import Discount, PercentageOff
from shared.billing.money import Money


async def test_prepaid_usage_is_drawn_from_what_was_paid_and_the_rest_is_overage() -> None:
    """20.00 paid: of usage of 12.50 and 25.00 the first is drawn, then 7.50; 17.50 cost 1.5 times."""
    business = Business()
    contract = signed(ContractKind.PREPAID, "20", overage=Overage(multiplier=Decimal("1.5")))
    await business.at(JANUARY.start, contract)
    [paid] = await business.issued("prepaid")
    assert (paid.subtotal.minor, paid.finalized_at) == (2000, JANUARY.start)
    first = await business.bill(JANUARY, "1000")
    assert (amount_of(first, "drawn"), first.subtotal.minor) == (-1250, 4900)
    second = await business.bill(JANUARY, "2000", "sub_2")
    assert (amount_of(second, "drawn"), amount_of(second, "overage")) == (-750, 875)
    assert second.subtotal.minor == 4900 + 2500 - 750 + 875
    await business.at(JANUARY.end + 3 * HOUR)
    [end] = [event for event in await business.service.history() if isinstance(event, CommitmentClosed)]
    assert (end.expired.minor, await business.issued("true-up")) == (0, [])


async def test_a_prepaid_commitment_is_billed_at_the_start_of_each_period_and_its_rest_expires() -> None:
    """What is unused is not carried over."""
    business = Business()
    await business.at(JANUARY.start, signed(ContractKind.PREPAID, "20", "30", "0", periods=QUARTER))
    for period in QUARTER:
        await business.bill(period, "400")
    await business.at(END + 3 * HOUR)
    paid = await business.issued("prepaid")
    assert [(one.subtotal.minor, one.finalized_at) for one in paid] == [
        (2000, QUARTER[0].start),
        (3000, QUARTER[1].start),
    ]
    closes = [event for event in await business.service.history() if isinstance(event, CommitmentClosed)]
    assert [one.expired.minor for one in closes] == [1500, 2500, 0]


async def test_units_beyond_the_commitment_have_the_overage_price_of_their_charge() -> None:
    """10.00 are 800 miles; the other 200 cost 0.02 instead of 0.0125: 1.50 more."""
    business = Business()
    overage = Overage(unit_prices={"miles": Decimal("0.02")})
    await business.at(JANUARY.start, signed(ContractKind.POSTPAID, "10", overage=overage))
    document = await business.bill(JANUARY, "1000")
    assert amount_of(document, "overage") == 150


async def test_volume_discounts_are_of_the_total_of_all_subscriptions() -> None:
    """10 % above 60.00: of 61.50 the part of 1.50; of the next 61.50 all."""
    business = Business()
    table = (VolumeDiscount(above=Decimal(60), rate=Decimal("0.1")),)
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "0", volume_discounts=table))
    first = await business.bill(JANUARY, "1000")
    second = await business.bill(JANUARY, "1000", "sub_2")
    assert [discount_of(one) for one in (first, second)] == [15, 615]


async def test_coupons_come_before_the_contract() -> None:
    """Half of 49.00 and 12.50 is off: 30.75 counts, and 10 % of what is above 20.00 comes off that."""
    business = Business()
    table = (VolumeDiscount(above=Decimal(20), rate=Decimal("0.1")),)
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "100", volume_discounts=table))
    half = Discount(discount_id="cou_1", name="Half", reduction=PercentageOff(percent=Decimal(50)))
    run = msgspec.structs.replace(run_of(JANUARY), discounts=(half,))
    await business.at(JANUARY.end, run, read(JANUARY, "1000"))
    [document] = await business.service.documents()
    assert (discount_of(document), document.total.minor) == (108, 3075 - 108)
    await business.at(JANUARY.end + 3 * HOUR)
    [true_up] = await business.issued("true-up")
    assert true_up.subtotal.minor == 10_000 - (3075 - 108)


@pytest.mark.parametrize(
    ("fee", "due"),
    [
        (TerminationFee(amount=Money(5000, "USD")), 5000),
        (TerminationFee(share=Decimal("0.5")), (17_143 + 30_000 + 1) // 2),
        (TerminationFee(share=Decimal(0)), None),
        (None, None),
    ],
)
async def test_a_termination_cuts_the_period_and_costs_its_fee(
    fee: TerminationFee | None, due: int | None
) -> None:
    """Ended on 5 February of 28 days: 4 of 28 of 200.00 are committed, 24 of 28 and 300.00 were to come."""
    business = Business()
    contract = signed(ContractKind.MINIMUM, "100", "200", "300", periods=QUARTER, termination_fee=fee)
    await business.at(JANUARY.start, contract)
    end = datetime(2026, 2, 5, tzinfo=UTC)
    await business.at(JANUARY.start + HOUR, terminated(end))
    await business.at(END + 40 * HOUR)
    assert [one.subtotal.minor for one in await business.issued("true-up")] == [10_000, 2857]
    fees = await business.issued("early termination fee")
    assert [one.subtotal.minor for one in fees] == ([] if due is None else [due])
    assert [one.finalized_at for one in fees] == [end] * len(fees)


async def test_of_a_prepaid_period_nothing_is_to_come() -> None:
    """It was billed whole at its start: only the later ones are."""
    business = Business()
    share = TerminationFee(share=Decimal(1))
    amounts = ("100", "200", "300")
    contract = signed(ContractKind.PREPAID, *amounts, periods=QUARTER, termination_fee=share)
    await business.at(JANUARY.start, contract)
    end = datetime(2026, 1, 5, tzinfo=UTC)
    await business.at(end, terminated(end))
    await business.at(END)
    assert [one.subtotal.minor for one in await business.issued("prepaid")] == [10_000]
    assert [one.subtotal.minor for one in await business.issued("early termination fee")] == [50_000]


async def test_a_contract_that_is_terminated_before_it_starts_costs_its_fee_alone() -> None:
    """No commitment begins."""
    business = Business()
    share = TerminationFee(share=Decimal("0.1"))
    contract = signed(ContractKind.PREPAID, "100", "200", periods=QUARTER[1:], termination_fee=share)
    await business.at(JANUARY.start, contract)
    await business.at(JANUARY.start + HOUR, terminated(contract.starts_at))
    await business.at(END + 3 * HOUR)
    assert [one.subtotal.minor for one in await business.service.documents()] == [3000]


async def test_events_that_come_again_change_nothing() -> None:
    """Delivery is at least once."""
    business = Business()
    contract = signed(ContractKind.PREPAID, "20")
    await business.at(JANUARY.start, contract, contract)
    await business.bill(JANUARY, "1000")
    await business.at(JANUARY.end + HOUR, contract, run_of(JANUARY), read(JANUARY, "1000"))
    await business.at(JANUARY.end + 3 * HOUR)
    assert len(await business.service.documents()) == 2


async def test_a_run_that_fails_counts_nothing_until_it_is_retried() -> None:
    """Its invoice has no lines; the true-up waits for people."""
    business = Business()
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, "1000"))
    await business.at(JANUARY.end, run_of(JANUARY))
    await business.at(JANUARY.end + HOUR, read(JANUARY, "9" * 30))
    await business.at(JANUARY.end + 3 * HOUR)
    history = await business.service.history()
    assert not [event for event in history if isinstance(event, CommitmentInvoiceCounted | CommitmentClosed)]


INVOICES = st.lists(
    st.tuples(st.sampled_from(["sub_1", "sub_2", "sub_3"]), st.integers(0, 2), st.integers(0, 20_000)),
    unique_by=lambda one: one[:2],
    min_size=1,
    max_size=6,
)


def billed(lines: Sequence[Any]) -> int:
    """Minor units of an invoice by hand: the fee, and 0.0125 a mile, half away from zero."""
    return sum(4900 + (miles * 125 + 50) // 100 for _, _, miles in lines)


@settings(max_examples=25, deadline=None)
@given(INVOICES, st.permutations(range(6)), st.integers(0, 400))
async def test_the_order_of_invoices_changes_no_true_up(
    invoices: list[tuple[str, int, int]], order: list[int], commitment: int
) -> None:
    """Readings of all three months in any order: each period is billed and trued up to its commitment."""
    business = Business()
    amounts = [str(commitment)] * 3
    await business.at(JANUARY.start, signed(ContractKind.MINIMUM, *amounts, periods=QUARTER))
    closes = sorted(invoices, key=lambda one: one[1])
    for name, number, _ in closes:
        await business.at(QUARTER[number].end, run_of(QUARTER[number], name))
    at = END
    for index in [number for number in order if number < len(invoices)]:
        name, number, miles = invoices[index]
        at += HOUR
        await business.at(at, read(QUARTER[number], str(miles), name))
    await business.at(END + 40 * HOUR)
    due = [max(0, commitment * 100 - billed([one for one in invoices if one[1] == n])) for n in range(3)]
    true_ups = {one.lines[0].period: one.subtotal.minor for one in await business.issued("true-up")}
    assert true_ups == {QUARTER[n]: minor for n, minor in enumerate(due) if minor}
