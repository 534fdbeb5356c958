"""The deciders of contracts and of their coverage."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.subscriptions.contract_coverage.decider import (
    CONTRACT_COVERAGE,
    ClaimCoverage,
    ContractsOverlap,
    ReleaseCoverage,
)
from services.subscriptions.contracts.decider import (
    CONTRACT,
    FeeTerms,
    SignContract,
    SubscriptionToCover,
    TerminateContract,
)
from services.subscriptions.contracts.refusals import (
    AmountIsNegative,
    AmountIsNotMoney,
    CommitmentIsTooLarge,
    CommitmentsExceedThePeriods,
    ContractAnchorDoesNotFit,
    ContractCurrencyDiffers,
    ContractEndsBeforeItStarts,
    ContractHasEnded,
    ContractIsTerminated,
    ContractIsTooLong,
    ContractIsUnknown,
    ContractStartIsInThePast,
    OverageIsUnclear,
    OverageNeedsCommitment,
    SubscriptionIsOfAnotherCustomer,
    TerminationFeeIsUnclear,
    TerminationIsInThePast,
    VolumeDiscountsAreInvalid,
)
from services.subscriptions.tests.scenarios import CUSTOMER_OF_BERLIN, DAY, NOON
from shared.billing.contracts.subscriptions.contracts import (
    ContractKind,
    ContractSigned,
    ContractTerminated,
    Overage,
    VolumeDiscount,
)
from shared.billing.money import Money
from shared.billing.period import IntervalIsInvalid
from shared.billing.pricing.model import PriceIsInvalid
from shared.framework.core.refusals import Refusal
from shared.framework.testing.spec import Spec

contract, coverage = Spec(CONTRACT), Spec(CONTRACT_COVERAGE)
SIGN = SignContract(
    contract_id="con_1",
    customer=CUSTOMER_OF_BERLIN,
    name="Frame",
    kind=ContractKind.POSTPAID,
    currency="EUR",
    interval="P1M",
    period_count=3,
    starts_at=NOON,
    anchor_at=NOON,
    commitments=(Decimal("100.00"), Decimal("200.00")),
    now=NOON,
)
TERMINATE = TerminateContract(contract_id="con_1", ends_at=NOON + DAY, now=NOON)


def signed(**changes: Any) -> ContractSigned:
    """The contract that is signed by the command with these changes."""
    [event] = contract.when(replace(SIGN, **changes)).decided
    assert isinstance(event, ContractSigned)
    return event


def terminated(at: datetime) -> ContractTerminated:
    """The early end of the contract."""
    return ContractTerminated(contract_id="con_1", customer_id="cus_1", ends_at=at, terminated_at=NOON)


def test_periods_are_counted_from_the_start_on_the_customers_calendar() -> None:
    """31 January, 28 February, 31 March: noon in UTC is 13:00 in Berlin, and 11:00 in summer."""
    event = signed()
    ends = [one.period.end for one in event.periods]
    assert ends == [
        datetime(2026, 2, 28, 12, tzinfo=UTC),
        datetime(2026, 3, 31, 11, tzinfo=UTC),
        datetime(2026, 4, 30, 11, tzinfo=UTC),
    ]
    assert event.ends_at == ends[-1]
    assert all(one.period == one.full_period for one in event.periods)


def test_the_last_commitment_holds_for_all_later_periods() -> None:
    """A ramp of two steps over three periods."""
    assert [one.commitment for one in signed().periods] == [
        Money(minor, "EUR") for minor in (10_000, 20_000, 20_000)
    ]


def test_an_anchor_before_the_start_cuts_the_first_period() -> None:
    """Signed at noon of the 31st, counted from the 1st."""
    anchor = datetime(2025, 11, 30, 23, tzinfo=UTC)
    first = signed(anchor_at=anchor).periods[0]
    assert (first.period.start, first.period.end) == (NOON, datetime(2026, 1, 31, 23, tzinfo=UTC))
    assert first.full_period.start == datetime(2025, 12, 31, 23, tzinfo=UTC)


def covered(**changes: str) -> dict[str, SubscriptionToCover]:
    """A subscription to cover."""
    return {"sub_1": replace(SubscriptionToCover(customer_id="cus_1", currency="EUR"), **changes)}


def test_the_covered_subscriptions_are_listed() -> None:
    """None: all."""
    assert signed(subscriptions=covered()).subscription_ids == ("sub_1",)
    assert signed().subscription_ids is None


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"starts_at": NOON - DAY}, ContractStartIsInThePast, ("starts_at",)),
        ({"anchor_at": NOON + DAY}, ContractAnchorDoesNotFit, ("anchor_at",)),
        ({"anchor_at": NOON - 3654 * DAY}, ContractAnchorDoesNotFit, ("anchor_at",)),
        ({"interval": "P1Y", "period_count": 30}, ContractIsTooLong, ()),
        ({"interval": "P999Y", "period_count": 100}, ContractIsTooLong, ()),
        ({"starts_at": NOON + 7305 * DAY, "anchor_at": NOON + 7305 * DAY}, ContractIsTooLong, ()),
        ({"interval": "P0D"}, IntervalIsInvalid, ("interval",)),
        ({"currency": "USD"}, ContractCurrencyDiffers, ("currency",)),
        ({"subscriptions": covered(currency="USD")}, ContractCurrencyDiffers, ("subscription_ids", 0)),
        (
            {"subscriptions": covered(customer_id="cus_2")},
            SubscriptionIsOfAnotherCustomer,
            ("subscription_ids", 0),
        ),
        ({"commitments": (Decimal(1),) * 4}, CommitmentsExceedThePeriods, ("commitments",)),
        ({"commitments": ()}, CommitmentsExceedThePeriods, ("commitments",)),
        ({"commitments": (Decimal(1), Decimal(-1))}, AmountIsNegative, ("commitments", 1)),
        ({"commitments": (Decimal("0.001"),)}, AmountIsNotMoney, ("commitments", 0)),
        ({"commitments": (Decimal(10**16),)}, CommitmentIsTooLarge, ("commitments", 0)),
        ({"commitments": (Decimal(10**15),)}, CommitmentIsTooLarge, ("commitments",)),
        (
            {"kind": ContractKind.MINIMUM, "overage": Overage(multiplier=Decimal(2))},
            OverageNeedsCommitment,
            ("overage",),
        ),
        ({"overage": Overage()}, OverageIsUnclear, ("overage",)),
        (
            {"overage": Overage(multiplier=Decimal(2), unit_prices={"calls": Decimal(1)})},
            OverageIsUnclear,
            ("overage",),
        ),
        ({"overage": Overage(multiplier=Decimal(-1))}, AmountIsNegative, ("overage", "multiplier")),
        (
            {"overage": Overage(unit_prices={"calls": Decimal(-1)})},
            AmountIsNegative,
            ("overage", "unit_prices", "calls"),
        ),
        (
            {"overage": Overage(unit_prices={"calls": Decimal(10**30)})},
            PriceIsInvalid,
            ("overage", "unit_prices", "calls"),
        ),
        (
            {"volume_discounts": (VolumeDiscount(above=Decimal(1), rate=Decimal("1.1")),)},
            VolumeDiscountsAreInvalid,
            ("volume_discounts", 0, "rate"),
        ),
        (
            {"volume_discounts": (VolumeDiscount(above=Decimal(1), rate=Decimal(0)),) * 2},
            VolumeDiscountsAreInvalid,
            ("volume_discounts", 1, "above"),
        ),
        (
            {"volume_discounts": (VolumeDiscount(above=Decimal(-1), rate=Decimal(0)),)},
            AmountIsNegative,
            ("volume_discounts", 0, "above"),
        ),
        (
            {"termination_fee": FeeTerms(amount=None, share=None)},
            TerminationFeeIsUnclear,
            ("termination_fee",),
        ),
        (
            {"termination_fee": FeeTerms(amount=Decimal(1), share=Decimal(1))},
            TerminationFeeIsUnclear,
            ("termination_fee",),
        ),
        (
            {"termination_fee": FeeTerms(amount=None, share=Decimal(2))},
            TerminationFeeIsUnclear,
            ("termination_fee", "share"),
        ),
        (
            {"termination_fee": FeeTerms(amount=Decimal(-1), share=None)},
            AmountIsNegative,
            ("termination_fee", "amount"),
        ),
    ],
)
def test_terms_that_make_no_contract_are_refused(
    changes: dict[str, Any], refusal: type[Refusal], field: tuple[str | int, ...]
) -> None:
    """With the field that is wrong."""
    assert contract.when(replace(SIGN, **changes)).refuses(refusal).field == field


def test_a_contract_is_terminated_once_and_before_its_term() -> None:
    """At its start at the earliest."""
    known = contract.given(signed())
    known.when(TERMINATE).then(terminated(NOON + DAY))
    known.when(replace(TERMINATE, ends_at=NOON)).then(terminated(NOON))
    known.when(replace(TERMINATE, ends_at=NOON + 100 * DAY)).refuses(ContractHasEnded)
    known.when(replace(TERMINATE, now=NOON + 2 * DAY)).refuses(TerminationIsInThePast)
    known.and_then(terminated(NOON + DAY)).when(TERMINATE).refuses(ContractIsTerminated)
    contract.when(TERMINATE).refuses(ContractIsUnknown)
    later = contract.given(signed(starts_at=NOON + DAY, anchor_at=NOON + DAY))
    later.when(replace(TERMINATE, ends_at=NOON)).refuses(ContractEndsBeforeItStarts)


OF_ALL = signed()
OF_ONE = signed(subscriptions=covered())
OF_ANOTHER = signed(subscriptions={"sub_2": covered()["sub_1"]})


@pytest.mark.parametrize(
    ("held", "new", "overlap"),
    [
        (OF_ALL, OF_ALL, True),
        (OF_ALL, OF_ONE, True),
        (OF_ONE, OF_ALL, True),
        (OF_ONE, OF_ONE, True),
        (OF_ONE, OF_ANOTHER, False),
        (OF_ALL, signed(starts_at=OF_ALL.ends_at, anchor_at=OF_ALL.ends_at), False),
    ],
)
def test_a_subscription_is_under_one_contract_at_a_time(
    held: ContractSigned, new: ContractSigned, overlap: bool
) -> None:
    """Half-open: the next contract may begin where one ends."""
    claimed = coverage.given(*coverage.when(ClaimCoverage(held)).decided)
    command = ClaimCoverage(msgspec.structs.replace(new, contract_id="con_2"))
    if overlap:
        claimed.when(command).refuses(ContractsOverlap)
    else:
        assert claimed.when(command).decided


def test_a_terminated_contract_leaves_its_subscriptions_free() -> None:
    """From its end on."""
    claimed = coverage.given(*coverage.when(ClaimCoverage(signed())).decided)
    end = NOON + DAY
    cut = claimed.and_then(*claimed.when(ReleaseCoverage(terminated(end))).decided)
    others = {"contract_id": "con_2"}
    cut.when(ClaimCoverage(signed(starts_at=NOON, **others))).refuses(ContractsOverlap)
    assert cut.when(ClaimCoverage(signed(starts_at=end, anchor_at=end, **others))).decided


@given(st.sampled_from(["P1M", "P3M", "P1Y", "P2W", "P10D"]), st.integers(1, 12), st.integers(0, 400))
def test_periods_follow_each_other_without_a_gap(interval: str, count: int, days: int) -> None:
    """From the start to the end, each within its real length."""
    event = signed(
        interval=interval,
        period_count=count,
        anchor_at=NOON - days * DAY,
        commitments=(Decimal(1),),
    )
    assert len(event.periods) == count
    starts = [one.period.start for one in event.periods]
    ends = [one.period.end for one in event.periods]
    assert starts == [NOON, *ends[:-1]]
    assert ends[-1] == event.ends_at
    for one in event.periods:
        assert one.full_period.start <= one.period.start < one.period.end == one.full_period.end
