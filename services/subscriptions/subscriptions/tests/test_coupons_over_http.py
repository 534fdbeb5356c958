"""Coupons of subscriptions over HTTP: redeemed, shown, refused by name with nothing half-done."""

from decimal import Decimal
from typing import Any

import pytest

from services.subscriptions.tests.harness import CUSTOMER, FEE, PLAN, Harness
from services.subscriptions.tests.scenarios import NOON, on
from shared.billing.discounts import Discount, PercentageOff

SPRING = {"code": "SPRING", "name": "Spring", "percent": "10", "periods": 2}


async def with_coupon(**terms: Any) -> tuple[Harness, str]:
    """A service with a coupon, and a subscription; the path of its coupons."""
    service = Harness()
    subscription_id = await service.subscribe()
    await service.post_ok("/v1/coupons", SPRING | terms)
    return service, f"/v1/subscriptions/{subscription_id}/coupons"


async def test_a_coupon_is_redeemed_shown_and_used_up() -> None:
    """Two periods are reduced; the third is not."""
    service, path = await with_coupon()
    answer = await service.post_ok(path, {"code": "SPRING"})
    [coupon] = answer["coupons"]
    assert (coupon["code"], coupon["periods_left"], coupon["applied_at"]) == (
        "SPRING",
        2,
        "2026-01-31T12:00:00Z",
    )
    service.clock.move(on(4, 30) - NOON)
    await service.run_due_timers()
    discount = Discount(
        discount_id=coupon["coupon_id"], name="Spring", reduction=PercentageOff(percent=Decimal(10))
    )
    assert [event.discounts for _, event in await service.closings()] == [(discount,), (discount,), ()]
    shown = await service.get_ok(path.removesuffix("/coupons"))
    assert shown["coupons"] == [coupon | {"periods_left": 0}]


async def test_a_subscription_starts_with_a_coupon() -> None:
    """In one command; a coupon that is refused starts nothing."""
    service, _ = await with_coupon(redemptions_max=1)
    customer = await service.post_ok("/v1/customers", CUSTOMER | {"external_id": "acme-2"})
    body = {"customer_id": customer["customer_id"], "plan_key": "pro", "coupon": "SPRING"}
    started = await service.post_ok("/v1/subscriptions", body)
    assert [coupon["code"] for coupon in started["coupons"]] == ["SPRING"]
    before = len(await service.records())
    for code, status, name in (("SPRING", 409, "coupon-used-up"), ("AUTUMN", 404, "coupon-unknown")):
        response = await service.post("/v1/subscriptions", body | {"coupon": code, "subject": "site-7"})
        problem = response.json()
        assert (response.status_code, problem["code"]) == (status, name)
        assert [error["pointer"] for error in problem["errors"]] == ["/body/coupon"]
    assert len(await service.records()) == before


async def test_a_coupon_is_removed() -> None:
    """Its redemption stays counted."""
    service, path = await with_coupon(redemptions_max=1)
    await service.post_ok(path, {"code": "SPRING"})
    assert (await service.post_ok(f"{path}/SPRING/remove", None))["coupons"] == []
    response = await service.post(f"{path}/SPRING/remove", None)
    assert (response.status_code, response.json()["code"]) == (409, "coupon-not-applied")
    response = await service.post(path, {"code": "SPRING"})
    assert (response.status_code, response.json()["code"]) == (409, "coupon-used-up")


@pytest.mark.parametrize(
    ("terms", "status", "name"),
    [
        ({"percent": None, "amount": {"minor": 500, "currency": "USD"}}, 422, "coupon-currency-differs"),
        ({"charge_keys": ["miles"]}, 422, "coupon-out-of-scope"),
        ({"plan_keys": ["basic"]}, 422, "coupon-out-of-scope"),
        ({"customer_id": "other"}, 422, "coupon-out-of-scope"),
        ({"expires_at": "2026-02-01T00:00:00Z"}, 409, "coupon-expired"),
    ],
)
async def test_a_coupon_that_is_not_for_the_subscription_is_refused(
    terms: dict[str, Any], status: int, name: str
) -> None:
    """By name, and nothing is written."""
    service = Harness()
    other = await service.post_ok("/v1/customers", CUSTOMER | {"external_id": "acme-9"})
    await service.post_ok("/v1/plans", PLAN | {"key": "basic", "charges": [FEE]})
    if "customer_id" in terms:
        terms = {"customer_id": other["customer_id"]}
    subscription_id = await service.subscribe()
    await service.post_ok("/v1/coupons", SPRING | terms)
    service.clock.move(on(2, 3) - NOON)
    before = len(await service.records())
    response = await service.post(f"/v1/subscriptions/{subscription_id}/coupons", {"code": "SPRING"})
    assert (response.status_code, response.json()["code"]) == (status, name), response.text
    assert len(await service.records()) == before


async def test_a_coupon_that_may_not_be_redeemed_is_refused() -> None:
    """Unknown, disabled, applied already, on a cancelled subscription, on one that is not there."""
    service, path = await with_coupon()
    await service.post_ok("/v1/coupons", SPRING | {"code": "OLD"})
    await service.post_ok("/v1/coupons/OLD/disable", None)
    await service.post_ok(path, {"code": "SPRING"})
    gone = "/v1/subscriptions/sub_0/coupons"
    await refused(service, path, "AUTUMN", 404, "coupon-unknown")
    await refused(service, path, "OLD", 409, "coupon-disabled")
    await refused(service, path, "SPRING", 409, "coupon-applied-already")
    await refused(service, gone, "SPRING", 404, "subscription-unknown")
    await service.post_ok(path.replace("coupons", "cancel"), {"at": "period_end"})
    await service.post_ok("/v1/coupons", SPRING | {"code": "NEW"})
    await refused(service, path, "NEW", 409, "subscription-cancelled")


async def refused(service: Harness, path: str, code: str, status: int, name: str) -> None:
    """The coupon is refused, and nothing is written."""
    before = len(await service.records())
    response = await service.post(path, {"code": code})
    assert (response.status_code, response.json()["code"]) == (status, name), response.text
    assert len(await service.records()) == before
