"""The decider of plans: versions that never change."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from services.subscriptions.plans.decider import (
    PLAN,
    ChargeKeyRepeats,
    ChargeNeedsMeter,
    FlatChargeHasMeter,
    MeterIsUnknown,
    Plan,
    PlanIsEmpty,
    PlanIsUnknown,
    PublishPlan,
)
from services.subscriptions.tests.scenarios import CALLS, DAY, FEE, NOON, PLAN_ONE
from shared.billing.contracts.subscriptions.meters import MeterRegistered
from shared.billing.currency import CurrencyIsUnknown
from shared.billing.period import IntervalIsInvalid
from shared.billing.pricing import Graduated, PerUnit, PriceIsInvalid, Tier
from shared.billing.pricing.tiers import TiersAreInvalid
from shared.framework.core.refusals import ImpossibleHistory, Refusal
from shared.framework.testing.spec import Spec

plan = Spec(PLAN)
CALLS_REGISTERED = MeterRegistered(meter_id="mtr_1", key="calls", group_by=(), registered_at=NOON)
PUBLISH = PublishPlan(
    plan_id="plan_1",
    key="pro",
    name="Pro",
    currency="EUR",
    interval="P1M",
    charges=(FEE, CALLS),
    now=NOON,
    registered_meters={"calls": CALLS_REGISTERED},
)
DEARER = msgspec.structs.replace(CALLS, price=PerUnit(unit_price=Decimal("0.003")))
PLAN_TWO = msgspec.structs.replace(PLAN_ONE, version=2, charges=(FEE, DEARER), published_at=NOON + DAY)


def test_the_first_content_of_a_key_is_version_one() -> None:
    """Versions count from one."""
    plan.when(PUBLISH).then(PLAN_ONE)


def test_another_price_is_another_version() -> None:
    """What was published stays as it was."""
    plan.given(PLAN_ONE).when(replace(PUBLISH, charges=(FEE, DEARER), now=NOON + DAY)).then(PLAN_TWO)


def test_the_content_of_the_newest_version_is_nothing_new() -> None:
    """Also when a price is written with another number of zeros."""
    rewritten = msgspec.structs.replace(CALLS, price=PerUnit(unit_price=Decimal("0.00200")))
    plan.given(PLAN_ONE).when(replace(PUBLISH, charges=(FEE, rewritten), now=NOON + DAY)).then_nothing()


def test_the_content_of_an_older_version_is_a_new_version() -> None:
    """Going back is a change too: the newest version is the one in force."""
    again = msgspec.structs.replace(PLAN_ONE, version=3, published_at=NOON + 2 * DAY)
    plan.given(PLAN_ONE, PLAN_TWO).when(replace(PUBLISH, now=NOON + 2 * DAY)).then(again)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"charges": ()}, PlanIsEmpty),
        ({"charges": (FEE, FEE)}, ChargeKeyRepeats),
        ({"charges": (msgspec.structs.replace(CALLS, meter_key=None),)}, ChargeNeedsMeter),
        ({"charges": (msgspec.structs.replace(FEE, meter_key="calls"),)}, FlatChargeHasMeter),
        (
            {"charges": (msgspec.structs.replace(CALLS, price=PerUnit(unit_price=Decimal(-1))),)},
            PriceIsInvalid,
        ),
        (
            {
                "charges": (
                    msgspec.structs.replace(
                        CALLS, price=Graduated(tiers=(Tier(up_to=Decimal(5), unit_price=Decimal(1)),))
                    ),
                )
            },
            TiersAreInvalid,
        ),
        ({"interval": "P0M"}, IntervalIsInvalid),
        ({"currency": "EUX"}, CurrencyIsUnknown),
    ],
)
def test_a_plan_that_could_not_be_billed_is_refused(
    change: dict[str, object], refusal: type[Refusal]
) -> None:
    """Every published version can be billed."""
    plan.when(replace(PUBLISH, **change)).refuses(refusal)  # type: ignore[arg-type]


def test_a_meter_that_is_not_defined_is_refused_with_its_place() -> None:
    """A flat fee needs none."""
    unknown = replace(PUBLISH, registered_meters={"storage": CALLS_REGISTERED})
    assert plan.when(unknown).refuses(MeterIsUnknown).field == ("charges", 1, "meter_key")
    plan.when(replace(unknown, charges=(FEE,))).then(msgspec.structs.replace(PLAN_ONE, charges=(FEE,)))


def test_the_newest_version_may_be_repeated_whatever_it_names() -> None:
    """It was published before meters were looked up."""
    plan.given(PLAN_ONE).when(replace(PUBLISH, registered_meters={})).then_nothing()


def test_a_version_is_found_by_its_number_and_the_newest_without() -> None:
    """Numbers count from one."""
    known = Plan((PLAN_ONE, PLAN_TWO))
    assert (known.version(1), known.version(2), known.version(None)) == (PLAN_ONE, PLAN_TWO, PLAN_TWO)


@pytest.mark.parametrize("number", [0, -1, 3])
def test_a_version_that_was_never_published_is_unknown(number: int) -> None:
    """Also those that Python would count from the end."""
    with pytest.raises(PlanIsUnknown):
        Plan((PLAN_ONE, PLAN_TWO)).version(number)
    with pytest.raises(PlanIsUnknown):
        Plan().version(None)


def test_a_history_that_skips_a_version_is_loud() -> None:
    """It cannot have been written by this decider."""
    with pytest.raises(ImpossibleHistory):
        PLAN.fold([PLAN_TWO])
