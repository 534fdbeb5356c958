"""Coupons and their redemptions in GraphQL."""

from decimal import Decimal

from projections.tests.conftest import ReadSide, stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import ADA, BOB, Contexts, a_coupon, a_customer, day, deliver
from shared.billing.contracts.subscriptions.coupons import CouponApplied, CouponRemoved
from shared.billing.discounts import Discount, PercentageOff

COUPONS = """query($code: String, $customer: String) { coupons(code: $code) { edges { node {
  id code name percent amount { minor } periods planKeys chargeKeys customerId redemptionsMax
  redemptionsPerCustomerMax expiresAt definedAt disabledAt
  redemptions(customerId: $customer) { edges { node {
    number customerId redeemedAt customer { externalId } subscription { id } } } } } } } }"""


async def test_a_coupon_is_shown_with_its_terms_and_its_redemptions(either_side: ReadSide) -> None:
    """By its code; the redemptions of all customers, or of one."""
    contexts, frontend = Contexts(), Frontend(stores_of(either_side))
    for name in ("ada", "bob"):
        await a_customer(contexts, name)
    await a_coupon(contexts, [ADA, BOB])
    await deliver(contexts, either_side.projector, either_side.store)
    [found] = (await frontend.data(COUPONS, code="SPRING"))["coupons"]["edges"]
    redemptions = found["node"].pop("redemptions")["edges"]
    assert found["node"] == {
        "id": "cpn_spring",
        "code": "SPRING",
        "name": "Spring",
        "percent": "10",
        "amount": None,
        "periods": 3,
        "planKeys": ["basic"],
        "chargeKeys": [],
        "customerId": None,
        "redemptionsMax": 2,
        "redemptionsPerCustomerMax": None,
        "expiresAt": day(20).isoformat(),
        "definedAt": day(1).isoformat(),
        "disabledAt": day(9).isoformat(),
    }
    assert [edge["node"] for edge in redemptions] == [
        {
            "number": number,
            "customerId": customer_id,
            "redeemedAt": day(number).isoformat(),
            "customer": {"externalId": name},
            "subscription": {"id": customer_id.replace("cus_", "sub_")},
        }
        for number, customer_id, name in ((1, ADA, "ada"), (2, BOB, "bob"))
    ]
    [found] = (await frontend.data(COUPONS, code="SPRING", customer=BOB))["coupons"]["edges"]
    assert [edge["node"]["number"] for edge in found["node"]["redemptions"]["edges"]] == [2]
    assert (await frontend.data(COUPONS, code="AUTUMN"))["coupons"]["edges"] == []


async def test_a_subscription_is_shown_with_its_coupons(either_side: ReadSide) -> None:
    """A removed one with the instant; redeemed again, it is there twice."""
    contexts, frontend = Contexts(), Frontend(stores_of(either_side))
    subscription_id = (await a_customer(contexts, "ada")).replace("cus_", "sub_")
    discount = Discount(discount_id="cpn_spring", name="Spring", reduction=PercentageOff(percent=Decimal(10)))
    first, again = (
        CouponApplied(
            subscription_id=subscription_id,
            code="SPRING",
            discount=discount,
            periods=periods,
            plan_ids=(),
            applied_at=day(at),
        )
        for at, periods in ((1, 3), (3, None))
    )
    removed = CouponRemoved(subscription_id=subscription_id, coupon_id="cpn_spring", removed_at=day(2))
    await contexts.publish("subscriptions", subscription_id, first, removed, again, at=day(3))
    await deliver(contexts, either_side.projector, either_side.store)
    query = """query($id: ID!) { subscription(id: $id) {
      coupons { couponId code name periods appliedAt removedAt } } }"""
    shown = (await frontend.data(query, id=subscription_id))["subscription"]["coupons"]
    same = {"couponId": "cpn_spring", "code": "SPRING", "name": "Spring"}
    assert shown == [
        same | {"periods": 3, "appliedAt": day(1).isoformat(), "removedAt": day(2).isoformat()},
        same | {"periods": None, "appliedAt": day(3).isoformat(), "removedAt": None},
    ]
