"""What contracts do to invoices: examples of the billing rules, and plain arithmetic for every order."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.invoicing.commitments.amounts import ContractAmounts, amounts_of
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.contracts.subscriptions.contracts import ContractKind, Overage, VolumeDiscount
from shared.billing.money import Money

CENT = Decimal("0.01")
TABLE = (
    VolumeDiscount(above=Decimal(100), rate=Decimal("0.05")),
    VolumeDiscount(above=Decimal(1000), rate=Decimal("0.125")),
)
DOUBLE = Overage(multiplier=Decimal(2))


def usage(minor: int, key: str = "calls", quantity: str = "1") -> InvoiceLine:
    """A line with a meter."""
    return InvoiceLine(
        line_id=f"lin_{key}",
        charge_key=key,
        description=key,
        quantity=Decimal(quantity),
        amount=Money(minor, "EUR"),
        meter_key=key,
    )


def fee(minor: int) -> InvoiceLine:
    """A line without a meter."""
    return InvoiceLine(
        line_id="lin_fee",
        charge_key="fee",
        description="fee",
        quantity=Decimal(1),
        amount=Money(minor, "EUR"),
    )


def charged(
    invoices: Sequence[Sequence[InvoiceLine]],
    commitment: int,
    kind: ContractKind,
    discounts: Sequence[VolumeDiscount] = (),
    overage: Overage | None = None,
) -> list[ContractAmounts]:
    """The amounts of invoices, one after the other."""
    sums, found = ContractAmounts(), []
    for lines in invoices:
        found.append(amounts_of(lines, sums, Money(commitment, "EUR"), kind, discounts, overage))
        sums += found[-1]
    return found


def test_usage_beyond_the_commitment_costs_its_multiple() -> None:
    """Vector V78: 1000 + 6000 + 7500 = 14,500 of two features that cost 5000 each, times 1.5 beyond 1000."""
    lines = [usage(500_000, "f1", "5000"), usage(500_000, "f2", "2500")]
    overage = Overage(multiplier=Decimal("1.5"))
    [amounts] = charged([lines], 100_000, ContractKind.POSTPAID, overage=overage)
    assert amounts.charged + amounts.overage == 1_450_000
    apart = charged([[lines[0]], [lines[1]]], 100_000, ContractKind.POSTPAID, overage=overage)
    assert [one.charged + one.overage for one in apart] == [700_000, 750_000]


def test_each_period_has_its_own_commitment() -> None:
    """Vector V78: windows of 4 and 16: the first is trued up to 10, the second is 10 + 6 x 2 = 22."""
    [first] = charged([[usage(400)]], 1000, ContractKind.POSTPAID, overage=DOUBLE)
    [second] = charged([[usage(1600)]], 1000, ContractKind.POSTPAID, overage=DOUBLE)
    missing = 1000 - first.counted(ContractKind.POSTPAID)
    assert (first.charged + first.overage + missing, second.charged + second.overage) == (1000, 2200)


def test_a_fee_counts_in_a_minimum_and_not_in_commitments_of_usage() -> None:
    """They are drawn by usage alone."""
    lines = [fee(700), usage(300)]
    counted = {
        kind: charged([lines], 500, kind)[0].counted(kind)
        for kind in (ContractKind.MINIMUM, ContractKind.POSTPAID, ContractKind.PREPAID)
    }
    assert list(counted.values()) == [1000, 300, 300]


def test_units_beyond_the_commitment_have_the_overage_price() -> None:
    """4 of 10 units at 1.00 are within 4.00; the other 6 cost 1.50 instead: 3.00 more."""
    prices = Overage(unit_prices={"calls": Decimal("1.50")})
    [amounts] = charged([[usage(1000, quantity="10")]], 400, ContractKind.POSTPAID, overage=prices)
    assert amounts.overage == 300
    [other] = charged([[usage(1000, "other", quantity="10")]], 400, ContractKind.POSTPAID, overage=prices)
    assert other.overage == 0


def test_a_lower_overage_price_takes_off_at_most_the_invoice() -> None:
    """Free units beyond a prepaid commitment: what was drawn is not given back as well."""
    free = Overage(unit_prices={"calls": Decimal(0)})
    [amounts] = charged([[usage(1000, quantity="10")]], 400, ContractKind.PREPAID, overage=free)
    assert (amounts.drawn, amounts.overage) == (400, -600)


def test_a_tier_discounts_only_what_is_above_it() -> None:
    """5 % of 900.00 and 12.5 % of 500.00, whatever it was billed by."""
    whole = charged([[usage(150_000)]], 0, ContractKind.MINIMUM, TABLE)
    assert [one.discount for one in whole] == [4500 + 6250]
    parts = charged([[usage(99_999)], [fee(3)], [usage(49_998)]], 0, ContractKind.MINIMUM, TABLE)
    assert sum(one.discount for one in parts) == 4500 + 6250


def test_the_discount_of_a_fee_is_not_taken_off_usage() -> None:
    """100.00 fee and 100.00 usage with 5.00 off: each bears 2.50."""
    [amounts] = charged([[fee(10_000), usage(10_000)]], 0, ContractKind.POSTPAID, TABLE)
    assert (amounts.discount, amounts.usage) == (500, 9750)


AMOUNTS = st.lists(st.integers(0, 200_000), min_size=1, max_size=8)


def rounded(exact: Decimal) -> int:
    """Minor units of an amount in major units, half away from zero."""
    return int((exact / CENT).to_integral_value(ROUND_HALF_UP))


def discount_of(total: int) -> int:
    """The discount of TABLE, in plain arithmetic."""
    major = Decimal(total) * CENT
    low, high = max(min(major, Decimal(1000)) - 100, Decimal(0)), max(major - 1000, Decimal(0))
    return rounded(low * Decimal("0.05") + high * Decimal("0.125"))


@given(AMOUNTS, st.randoms(use_true_random=False), st.integers(0, 500_000))
def test_the_order_of_invoices_changes_no_sum(amounts: list[int], order: object, commitment: int) -> None:
    """Discount, draw and overage of a period are functions of its sums."""
    shuffled = list(amounts)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    for kind in (ContractKind.POSTPAID, ContractKind.PREPAID):
        found = []
        for one in (amounts, shuffled):
            invoices = [[usage(minor)] for minor in one]
            sums = charged(invoices, commitment, kind, TABLE, Overage(multiplier=Decimal("1.333")))
            found.append(sum(sums, start=ContractAmounts()))
        assert found[0] == found[1]


@given(AMOUNTS, st.integers(0, 500_000), st.sampled_from(["0.5", "1", "1.333", "2"]))
def test_a_plain_model_gives_the_same_sums(amounts: list[int], commitment: int, multiplier: str) -> None:
    """Totals first, then one rounding each."""
    overage = Overage(multiplier=Decimal(multiplier))
    invoices = [[usage(minor)] for minor in amounts]
    each = charged(invoices, commitment, ContractKind.PREPAID, TABLE, overage)
    sums = sum(each, start=ContractAmounts())
    total = sum(amounts)
    net = total - discount_of(total)
    beyond = max(0, net - commitment)
    assert (sums.charged, sums.discount, sums.usage) == (total, discount_of(total), net)
    assert sums.drawn == min(net, commitment)
    if Decimal(multiplier) >= 1:
        assert sums.overage == rounded(beyond * CENT * (Decimal(multiplier) - 1))
    assert all(one.charged - one.discount - one.drawn + one.overage >= 0 for one in each)


@pytest.mark.parametrize("kind", list(ContractKind))
@given(amounts=AMOUNTS, commitment=st.integers(0, 500_000))
def test_what_is_billed_and_missing_reach_the_commitment(
    kind: ContractKind, amounts: list[int], commitment: int
) -> None:
    """And nothing is missing once it is reached."""
    sums = sum(charged([[usage(one)] for one in amounts], commitment, kind, TABLE), start=ContractAmounts())
    missing = max(0, commitment - sums.counted(kind))
    assert sums.counted(kind) + missing >= commitment
    net = sum(amounts) - discount_of(sum(amounts))
    assert missing == max(0, commitment - net)
