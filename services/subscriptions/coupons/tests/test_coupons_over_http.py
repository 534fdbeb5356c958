"""Coupons over HTTP, and redemptions that race."""

import asyncio
from typing import Any

import pytest

from services.subscriptions.coupons.handlers import redeem_coupon
from services.subscriptions.coupons.redemption import RedeemCoupon
from services.subscriptions.coupons.refusals import CouponIsUsedUp
from services.subscriptions.tests.harness import CUSTOMER, CUSTOMER_ID, FEE, PLAN, Harness
from services.subscriptions.tests.scenarios import NOON
from shared.billing.contracts import decode
from shared.billing.contracts.subscriptions.coupons import CouponRedeemed
from shared.framework.core.event import Metadata
from shared.framework.eventstore.ports import StreamIsBusy
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact

SPRING = {"code": "SPRING", "name": "Spring", "percent": "10"}
FIVE = {"code": "FIVE", "name": "Five", "amount": {"minor": 500, "currency": "EUR"}, "periods": 1}
UNLIMITED: dict[str, Any] = {
    "percent": None,
    "amount": None,
    "periods": None,
    "plan_keys": [],
    "charge_keys": [],
    "customer_id": None,
    "redemptions_max": None,
    "redemptions_per_customer_max": None,
    "expires_at": None,
    "disabled_at": None,
}


async def test_a_coupon_is_read_as_it_was_defined_and_can_be_defined_again() -> None:
    service = Harness()
    first = await service.post_ok("/v1/coupons", SPRING)
    assert first == UNLIMITED | SPRING | {"coupon_id": first["coupon_id"]}
    second = await service.post_ok("/v1/coupons", FIVE)
    assert second == UNLIMITED | FIVE | {"coupon_id": second["coupon_id"]}
    assert await service.post_ok("/v1/coupons", SPRING) == first
    assert await service.get_ok("/v1/coupons/SPRING") == first
    assert await service.get_ok("/v1/coupons") == {"items": [first, second], "next_cursor": None}


async def test_every_limit_of_a_coupon_is_kept() -> None:
    """Its plan and its customer must be there."""
    service = Harness()
    customer = await service.post_ok("/v1/customers", CUSTOMER)
    await service.post_ok("/v1/plans", PLAN | {"charges": [FEE]})
    limits = {
        "plan_keys": ["pro"],
        "charge_keys": ["fee"],
        "customer_id": customer["customer_id"],
        "redemptions_max": 100,
        "redemptions_per_customer_max": 1,
        "expires_at": "2026-06-01T00:00:00Z",
    }
    coupon = await service.post_ok("/v1/coupons", FIVE | limits)
    assert coupon == UNLIMITED | FIVE | limits | {"coupon_id": coupon["coupon_id"]}


async def test_a_coupon_is_disabled() -> None:
    """Once, and that is shown."""
    service = Harness()
    await service.post_ok("/v1/coupons", SPRING)
    disabled = await service.post_ok("/v1/coupons/SPRING/disable", None)
    assert disabled["disabled_at"] == "2026-01-31T12:00:00Z"
    assert await service.get_ok("/v1/coupons/SPRING") == disabled
    assert await service.post_ok("/v1/coupons/SPRING/disable", None) == disabled


BAD = [
    (SPRING | {"percent": "0"}, 400, "percent-invalid", "/body/percent"),
    (SPRING | {"percent": "100.5"}, 400, "percent-invalid", "/body/percent"),
    (SPRING | {"percent": 10}, 400, "request-invalid", "/body/percent"),
    (SPRING | {"percent": None}, 400, "coupon-reduction-invalid", None),
    (SPRING | {"amount": FIVE["amount"]}, 400, "coupon-reduction-invalid", None),
    (FIVE | {"amount": {"minor": 0, "currency": "EUR"}}, 400, "amount-off-invalid", "/body/amount/minor"),
    (FIVE | {"amount": {"minor": 1, "currency": "EUX"}}, 400, "currency-unknown", "/body/amount/currency"),
    (SPRING | {"periods": 0}, 400, "request-invalid", "/body/periods"),
    (SPRING | {"redemptions_max": 0}, 400, "request-invalid", "/body/redemptions_max"),
    (SPRING | {"code": "a b"}, 400, "request-invalid", "/body/code"),
    (SPRING | {"plan_keys": ["gold"]}, 404, "plan-unknown", "/body/plan_keys/0"),
    (SPRING | {"customer_id": "cus_1"}, 404, "customer-unknown", "/body/customer_id"),
    (SPRING | {"customer_id": "plan_1"}, 404, "customer-unknown", "/body/customer_id"),
    (SPRING | {"expires_at": "2026-01-31T12:00:00Z"}, 409, "coupon-expired", "/body/expires_at"),
]


@pytest.mark.parametrize(("body", "status", "code", "pointer"), BAD)
async def test_what_cannot_be_a_coupon_is_refused_at_its_field(
    body: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    service = Harness()
    response = await service.post("/v1/coupons", body)
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), response.text
    assert [error["pointer"] for error in problem.get("errors", [])] == ([pointer] if pointer else [])
    assert await service.records() == []


async def test_codes_are_unique_and_unknown_ones_are_not_found() -> None:
    service = Harness()
    await service.post_ok("/v1/coupons", SPRING)
    response = await service.post("/v1/coupons", SPRING | {"percent": "20"})
    assert (response.status_code, response.json()["code"]) == (409, "coupon-exists")
    response = await service.post("/v1/coupons/AUTUMN/disable", None)
    assert (response.status_code, response.json()["code"]) == (404, "coupon-unknown")
    assert (await service.get("/v1/coupons/SPRING", token="stranger")).status_code == 404


async def redeem(service: Harness, subscription_id: str, customer_id: str = CUSTOMER_ID) -> bool:
    """Whether the redemption succeeded; it is tried again while others are faster."""
    command = RedeemCoupon(
        code="SPRING",
        subscription_id=subscription_id,
        customer_id=customer_id,
        currency="EUR",
        plan_id="plan_1",
        charge_keys=frozenset({"fee"}),
        now=NOON,
    )

    async def work(unit: UnitOfWork) -> None:
        session = unit.session("acme", Metadata(correlation_id="c", actor="a", occurred_at=NOON))
        await redeem_coupon(session, command)

    while True:
        try:
            await transact(service.store, work)
        except CouponIsUsedUp:
            return False
        except StreamIsBusy:
            continue
        return True


@pytest.mark.parametrize("limit", ["redemptions_max", "redemptions_per_customer_max"])
async def test_redemptions_that_race_never_exceed_the_limit(limit: str) -> None:
    """Twenty subscriptions redeem a coupon of seven at once."""
    service = Harness()
    await service.post_ok("/v1/coupons", SPRING | {limit: 7})
    won = await asyncio.gather(*(redeem(service, f"sub_{number}") for number in range(20)))
    assert sum(won) == 7
    events = [decode(record.wire_name, record.state) for record in await service.records()]
    redemptions = [event for event in events if isinstance(event, CouponRedeemed)]
    assert [event.number for event in redemptions] == list(range(1, 8))


async def test_each_customer_has_redemptions_of_its_own() -> None:
    """Two each, and three in all."""
    service = Harness()
    await service.post_ok("/v1/coupons", SPRING | {"redemptions_max": 3, "redemptions_per_customer_max": 2})
    found = [await redeem(service, f"sub_{n}", f"cus_{n % 2}") for n in range(6)]
    assert found == [True, True, True, False, False, False]
