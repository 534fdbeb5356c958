"""The decider of coupons, and what a coupon may be redeemed for."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from services.subscriptions.coupons.decider import COUPON, Coupon, CouponEvent, DefineCoupon, DisableCoupon
from services.subscriptions.coupons.redemption import RedeemCoupon, check_redeemable, redeemed
from services.subscriptions.coupons.refusals import (
    AmountOffIsInvalid,
    CouponCurrencyDiffers,
    CouponExists,
    CouponHasExpired,
    CouponIsDisabled,
    CouponIsOutOfScope,
    CouponIsUnknown,
    CouponIsUsedUp,
    PercentIsInvalid,
)
from services.subscriptions.tests.scenarios import DAY, NOON
from shared.billing.contracts.subscriptions.coupons import CouponDefined, CouponDisabled
from shared.billing.currency import CurrencyIsUnknown
from shared.billing.discounts import AmountOff, PercentageOff, Reduction
from shared.billing.money import Money
from shared.framework.core.refusals import ImpossibleHistory, Refusal
from shared.framework.testing.spec import Spec

coupon = Spec(COUPON)
TEN_PERCENT = PercentageOff(percent=Decimal(10))
FIVE_EUROS = AmountOff(amount=Money(500, "EUR"))
DEFINE = DefineCoupon(coupon_id="cpn_1", code="SPRING", name="Spring", reduction=TEN_PERCENT, now=NOON)
DISABLE = DisableCoupon(code="SPRING", now=NOON + DAY)
REDEEM = RedeemCoupon(
    code="SPRING",
    subscription_id="sub_1",
    customer_id="cus_1",
    currency="EUR",
    plan_id="plan_1",
    charge_keys=frozenset({"fee", "calls"}),
    now=NOON,
)
defined = CouponDefined(
    coupon_id="cpn_1",
    code="SPRING",
    name="Spring",
    reduction=TEN_PERCENT,
    periods=None,
    plan_keys=(),
    charge_keys=(),
    customer_id=None,
    redemptions_max=None,
    redemptions_per_customer_max=None,
    expires_at=None,
    defined_at=NOON,
)
disabled = CouponDisabled(coupon_id="cpn_1", disabled_at=NOON + DAY)


def test_a_coupon_is_defined_once() -> None:
    """The same again changes nothing, also later and when it has expired; other terms need another code."""
    coupon.when(DEFINE).then(defined).when(replace(DEFINE, now=NOON + DAY)).then_nothing()
    coupon.given(defined).when(replace(DEFINE, periods=3)).refuses(CouponExists)
    ending = replace(DEFINE, expires_at=NOON + DAY)
    coupon.when(ending).then(msgspec.structs.replace(defined, expires_at=NOON + DAY)).when(
        replace(ending, now=NOON + 2 * DAY)
    ).then_nothing()


def test_a_coupon_is_disabled_once() -> None:
    """A code that is not there is unknown."""
    coupon.given(defined).when(DISABLE).then(disabled).when(DISABLE).then_nothing()
    coupon.when(DISABLE).refuses(CouponIsUnknown)


@pytest.mark.parametrize("percent", ["0", "-1", "100.000001", "101"])
def test_a_percentage_is_above_zero_and_at_most_a_hundred(percent: str) -> None:
    """A negative one would be a surcharge."""
    reduction = PercentageOff(percent=Decimal(percent))
    coupon.when(replace(DEFINE, reduction=reduction)).refuses(PercentIsInvalid)


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [
        (Money(0, "EUR"), AmountOffIsInvalid),
        (Money(-1, "EUR"), AmountOffIsInvalid),
        (Money(1, "EUX"), CurrencyIsUnknown),
    ],
)
def test_an_amount_off_is_money_above_zero(amount: Money, refusal: type[Refusal]) -> None:
    """A negative one would be a surcharge."""
    coupon.when(replace(DEFINE, reduction=AmountOff(amount=amount))).refuses(refusal)


def test_a_new_coupon_has_not_expired() -> None:
    """It expires after the present."""
    coupon.when(replace(DEFINE, expires_at=NOON)).refuses(CouponHasExpired)


def test_events_that_cannot_follow_are_not_folded() -> None:
    """A second definition, a second disabling, a disabling of nothing."""
    histories: list[list[CouponEvent]] = [[defined, defined], [defined, disabled, disabled], [disabled]]
    for history in histories:
        with pytest.raises(ImpossibleHistory):
            COUPON.fold(history)


def terms(**changed: object) -> CouponDefined:
    return msgspec.structs.replace(defined, **changed)


@pytest.mark.parametrize(
    ("given", "plan_ids", "command"),
    [
        (terms(), (), REDEEM),
        (terms(expires_at=NOON + timedelta(microseconds=1)), (), REDEEM),
        (terms(reduction=FIVE_EUROS), (), REDEEM),
        (terms(), ("plan_0", "plan_1"), REDEEM),
        (terms(charge_keys=("calls", "miles")), (), REDEEM),
        (terms(customer_id="cus_1"), (), REDEEM),
    ],
)
def test_a_coupon_is_redeemed_for_what_it_is_for(
    given: CouponDefined, plan_ids: tuple[str, ...], command: RedeemCoupon
) -> None:
    """One charge in its scope is enough; it holds until the instant at which it expires."""
    check_redeemable(Coupon(given), plan_ids, command)


@pytest.mark.parametrize(
    ("given", "plan_ids", "refusal"),
    [
        (Coupon(terms(), disabled_at=NOON), (), CouponIsDisabled),
        (Coupon(terms(expires_at=NOON)), (), CouponHasExpired),
        (Coupon(terms(reduction=AmountOff(amount=Money(500, "USD")))), (), CouponCurrencyDiffers),
        (Coupon(terms()), ("plan_0",), CouponIsOutOfScope),
        (Coupon(terms(charge_keys=("miles",))), (), CouponIsOutOfScope),
        (Coupon(terms(customer_id="cus_2")), (), CouponIsOutOfScope),
    ],
)
def test_a_coupon_is_refused_for_anything_else(
    given: Coupon, plan_ids: tuple[str, ...], refusal: type[Refusal]
) -> None:
    """Each by its own name."""
    with pytest.raises(refusal):
        check_redeemable(given, plan_ids, REDEEM)


def test_the_last_redemption_is_the_one_whose_number_is_the_limit() -> None:
    """In all, and of one customer."""
    limited = terms(redemptions_max=4, redemptions_per_customer_max=2)
    redemption, count = redeemed(limited, REDEEM, 4, 2)
    assert (redemption.number, count.number) == (4, 4)
    assert redeemed(terms(), REDEEM, 10**6, 10**6)[0].number == 10**6
    for number, number_of_customer in ((5, 1), (2, 3)):
        with pytest.raises(CouponIsUsedUp):
            redeemed(limited, REDEEM, number, number_of_customer)


def reductions() -> list[Reduction]:
    return [TEN_PERCENT, FIVE_EUROS]


@pytest.mark.parametrize("reduction", reductions())
def test_both_kinds_of_reduction_are_kept_as_they_were_given(reduction: Reduction) -> None:
    """Nothing is converted."""
    [event] = coupon.when(replace(DEFINE, reduction=reduction)).decided
    assert isinstance(event, CouponDefined)
    assert event.reduction == reduction
