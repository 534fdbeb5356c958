"""The routes of subscriptions: what they accept, return and refuse."""

from typing import Any, get_args

import pytest

from services.subscriptions.tests.harness import CALLS, CUSTOMER, FEE, PLAN, TIERS, Harness
from services.subscriptions.tests.scenarios import NOON, on
from shared.billing.contracts import decode
from shared.billing.contracts.subscriptions.meters import MeterRegistered
from shared.billing.pricing import Price


async def test_the_same_external_id_is_the_same_customer() -> None:
    """Under another key too, and nothing is written the second time."""
    service = Harness()
    first, again = [await service.post_ok("/v1/customers", CUSTOMER) for _ in range(2)]
    assert first == again == CUSTOMER | {"customer_id": first["customer_id"]}
    assert len(await service.records()) == 1


@pytest.mark.parametrize(
    "external_id", ["ada@example.com", "auth0|5f7c8ec7", "org/1", "a b", "株式会社", "Ünïcode", "x" * 256]
)
async def test_an_external_id_is_any_printable_text(external_id: str) -> None:
    """It is the client's own: of an identity provider, a mail address, in letters of every script."""
    service = Harness()
    customer = await service.post_ok("/v1/customers", CUSTOMER | {"external_id": external_id})
    assert customer["external_id"] == external_id
    again = await service.post_ok("/v1/customers", CUSTOMER | {"external_id": external_id})
    assert again["customer_id"] == customer["customer_id"]


async def test_two_tenants_may_use_the_same_external_id() -> None:
    """They are two customers, and neither can subscribe the other's."""
    service = Harness()
    mine = await service.post_ok("/v1/customers", CUSTOMER)
    theirs = (await service.post("/v1/customers", CUSTOMER, token="stranger")).json()
    assert mine["customer_id"] != theirs["customer_id"]
    await service.define_meters()
    await service.post_ok("/v1/plans", PLAN)
    body = {"customer_id": theirs["customer_id"], "plan_key": "pro"}
    response = await service.post("/v1/subscriptions", body)
    assert (response.status_code, response.json()["code"]) == (404, "customer-unknown")


async def test_a_history_is_never_read_as_another_kind() -> None:
    """Ids come from callers: a customer cannot be cancelled, a subscription not subscribed."""
    service = Harness()
    subscription_id = await service.subscribe()
    customer_id = (await service.post_ok("/v1/customers", CUSTOMER))["customer_id"]
    response = await service.post(f"/v1/subscriptions/{customer_id}/cancel", {"at": "now"})
    assert (response.status_code, response.json()["code"]) == (404, "subscription-unknown")
    response = await service.post("/v1/subscriptions", {"customer_id": subscription_id, "plan_key": "pro"})
    assert (response.status_code, response.json()["code"]) == (404, "customer-unknown")


async def test_another_tenants_subscription_is_not_there() -> None:
    """A caller of another tenant cannot end it, even with its id."""
    service = Harness()
    subscription_id = await service.subscribe()
    path = f"/v1/subscriptions/{subscription_id}/cancel"
    response = await service.post(path, {"at": "now"}, token="stranger")
    assert (response.status_code, response.json()["code"]) == (404, "subscription-unknown")


async def test_a_plan_grows_by_versions() -> None:
    """The same content is the same version, other content the next."""
    service = Harness()
    dearer = PLAN | {"charges": [FEE]}
    await service.define_meters()
    versions = [(await service.post_ok("/v1/plans", body))["version"] for body in (PLAN, PLAN, dearer, PLAN)]
    assert versions == [1, 1, 2, 3]


async def test_a_plan_names_meters_that_are_defined() -> None:
    """Usage of a meter that was defined later, or never, was billed as zero."""
    service = Harness()
    refused = await service.post("/v1/plans", PLAN)
    assert (refused.status_code, refused.json()["code"]) == (422, "meter-unknown")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/body/charges/1/meter_key"]
    await service.define_meters(tenant="other")
    assert (await service.post("/v1/plans", PLAN)).status_code == 422
    await service.define_meters()
    assert (await service.post_ok("/v1/plans", PLAN))["version"] == 1


async def test_a_meter_is_registered_once() -> None:
    """Its definition may be delivered again."""
    service = Harness()
    await service.define_meters()
    await service.define_meters()
    [record] = await service.records()
    assert decode(record.wire_name, record.state) == MeterRegistered(
        meter_id="mtr_1", key="calls", group_by=(), registered_at=NOON
    )


async def test_a_subscription_takes_the_newest_version_or_the_one_named() -> None:
    """Once started, it keeps it."""
    service = Harness()
    await service.define_meters()
    await service.post_ok("/v1/plans", PLAN)
    await service.post_ok("/v1/plans", PLAN | {"name": "Pro 2"})
    customer_id = (await service.post_ok("/v1/customers", CUSTOMER))["customer_id"]
    body = {"customer_id": customer_id, "plan_key": "pro"}
    newest = await service.post_ok("/v1/subscriptions", body)
    first = await service.post_ok("/v1/subscriptions", body | {"plan_version": 1, "subject": "site-7"})
    assert (newest["plan_version"], newest["subject"], newest["status"]) == (2, "acme-1", "active")
    assert (first["plan_version"], first["subject"]) == (1, "site-7")


async def test_a_repeated_request_starts_one_subscription() -> None:
    """The stored response is given again, byte by byte."""
    service = Harness()
    await service.subscribe()
    customer_id = (await service.post_ok("/v1/customers", CUSTOMER))["customer_id"]
    body = {"customer_id": customer_id, "plan_key": "pro", "subject": "site-7"}
    first, again = [await service.post("/v1/subscriptions", body, key="once") for _ in range(2)]
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["tollhouse-position"].startswith("subscriptions:")


async def test_a_cancellation_says_when_it_ends() -> None:
    """And cancelling an ended subscription is refused."""
    service = Harness()
    subscription_id = await service.subscribe()
    path = f"/v1/subscriptions/{subscription_id}/cancel"
    ending = await service.post_ok(path, {"at": "period_end"})
    assert (ending["status"], ending["ends_at"]) == ("cancelled", "2026-02-28T12:00:00Z")
    service.clock.move(on(2, 28) - NOON)
    await service.run_due_timers()
    response = await service.post(path, {"at": "now"})
    assert (response.status_code, response.json()["code"]) == (409, "subscription-ended")


async def test_time_is_moved_by_admins_only() -> None:
    """A scope is not enough, for moving time bills the tenant."""
    service = Harness()
    response = await service.post("/v1/test-clock", {"now": "2026-01-01T00:00:00Z"}, token="viewer")
    assert (response.status_code, response.json()["code"]) == (403, "test-clock-needs-admin")
    assert await service.store.test_clock("acme") is None


async def test_commands_happen_at_the_test_clocks_moment() -> None:
    """Also years away from the system clock."""
    service = Harness()
    await service.post_ok("/v1/test-clock", {"now": "2013-01-01T12:00:00+01:00"})
    subscription_id = await service.subscribe()
    await service.post_ok("/v1/test-clock/advance", {"to": "2013-01-15T00:00:00Z"})
    ended = await service.post_ok(f"/v1/subscriptions/{subscription_id}/cancel", {"at": "now"})
    assert ended["anchor_at"] == "2013-01-01T11:00:00Z"
    assert ended["ends_at"] == "2013-01-15T00:00:00Z"


@pytest.mark.parametrize("path", ["customers", "plans", "subscriptions", "subscriptions/sub_1/cancel"])
async def test_a_scope_of_another_route_is_not_enough(path: str) -> None:
    """Deny by default."""
    assert (await Harness().post(f"/v1/{path}", {}, token="reader")).status_code == 403


def _plan(**charge: Any) -> dict[str, Any]:
    return PLAN | {"charges": [CALLS | charge]}


BAD = [
    ("customers", CUSTOMER | {"currency": "EUX"}, 400, "currency-unknown"),
    ("customers", CUSTOMER | {"currency": "eur"}, 400, "request-invalid"),
    ("customers", CUSTOMER | {"time_zone": "Europe/Atlantis"}, 400, "time-zone-unknown"),
    ("customers", CUSTOMER | {"time_zone": "../../etc/passwd"}, 400, "time-zone-unknown"),
    ("customers", CUSTOMER | {"external_id": "a\u200bb"}, 400, "request-invalid"),
    ("customers", CUSTOMER | {"name": "Ada"}, 400, "request-invalid"),
    ("customers", [], 400, "request-invalid"),
    ("plans", PLAN | {"name": "Pro\u202e"}, 400, "request-invalid"),
    (
        "subscriptions",
        {"customer_id": "c", "plan_key": "pro", "subject": "ac\u200bme"},
        400,
        "request-invalid",
    ),
    (
        "subscriptions",
        {"customer_id": "c", "plan_key": "pro", "subject": "jose\u0301"},
        400,
        "request-invalid",
    ),
    ("plans", PLAN | {"charges": []}, 400, "plan-empty"),
    ("plans", PLAN | {"charges": [FEE, FEE]}, 400, "charge-key-duplicate"),
    ("plans", PLAN | {"interval": "PT1H"}, 400, "interval-invalid"),
    ("plans", PLAN | {"charges": [FEE | {"meter_key": "calls"}]}, 400, "flat-charge-has-meter"),
    ("plans", _plan(meter_key=None), 400, "charge-needs-meter"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": "-1"}), 400, "price-invalid"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": "NaN"}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": "1e1000000"}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": 0.1}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": 1}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": "1_0"}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": "\u09e7"}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": "a lot"}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": True}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "per_unit", "unit_price": "1", "fee": "1"}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "per_unit"}), 400, "request-invalid"),
    ("plans", _plan(price={"model": "lottery", "odds": "1"}), 400, "request-invalid"),
    ("plans", _plan(price="free"), 400, "request-invalid"),
    ("plans", _plan(price={"model": "graduated", "tiers": TIERS[:1]}), 400, "tiers-invalid"),
    (
        "plans",
        _plan(price={"model": "graduated", "tiers": [{"unit_price": "1", "up_to": None, "x": 1}]}),
        400,
        "request-invalid",
    ),
    ("subscriptions", {"customer_id": "cus_1", "plan_key": "pro"}, 404, "customer-unknown"),
    ("subscriptions", {"customer_id": "sub_1", "plan_key": "pro"}, 404, "customer-unknown"),
    ("subscriptions/sub_1/cancel", {"at": "now"}, 404, "subscription-unknown"),
    ("subscriptions/cus_1/cancel", {"at": "now"}, 404, "subscription-unknown"),
    ("subscriptions/sub_1/cancel", {"at": "yesterday"}, 400, "request-invalid"),
    ("test-clock", {"now": "2026-01-01T00:00:00"}, 400, "request-invalid"),
    ("test-clock", {"now": "9999-01-01T00:00:00Z"}, 422, "test-clock-out-of-range"),
    ("test-clock/advance", {"to": "2026-01-01T00:00:00Z"}, 409, "test-clock-missing"),
]


@pytest.mark.parametrize(("path", "body", "status", "code"), BAD)
async def test_bad_input_gets_a_clear_problem_and_writes_nothing(
    path: str, body: object, status: int, code: str
) -> None:
    """A problem with a code, and no event."""
    service = Harness()
    response = await service.post(f"/v1/{path}", body)
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert await service.records() == []


_TWO_TIERS: list[dict[str, Any]] = [{"up_to": "10", "unit_price": "1"}, {"up_to": None, "unit_price": "2"}]


def _graduated(number: int, **change: Any) -> dict[str, Any]:
    tiers = [tier | change if number == index else tier for index, tier in enumerate(_TWO_TIERS)]
    return _plan(price={"model": "graduated", "tiers": tiers})


@pytest.mark.parametrize(
    ("plan", "pointer"),
    [
        (_plan(price={"model": "per_unit", "unit_price": "-1"}), "/body/charges/0/price/unit_price"),
        (_plan(price={"model": "per_unit", "unit_price": "1e3"}), "/body/charges/0/price/unit_price"),
        (_plan(price={"model": "per_unit", "unit_price": 5}), "/body/charges/0/price/unit_price"),
        (_plan(price={"model": "per_unit", "unit_price": "1", "x": 1}), "/body/charges/0/price/x"),
        (_plan(price={"model": "lottery"}), "/body/charges/0/price/model"),
        (_graduated(1, unit_price="-2"), "/body/charges/0/price/tiers/1/unit_price"),
        (_graduated(1, unit_price="a lot"), "/body/charges/0/price/tiers/1/unit_price"),
        (_graduated(0, flat_fee="1_0"), "/body/charges/0/price/tiers/0/flat_fee"),
        (_graduated(0, up_to="0"), "/body/charges/0/price/tiers/0/up_to"),
        (_graduated(0, up_to=None), "/body/charges/0/price/tiers/0/up_to"),
        (_graduated(1, up_to="20"), "/body/charges/0/price/tiers/1/up_to"),
        (_plan(meter_key=None), "/body/charges/0"),
        (
            PLAN | {"charges": [FEE, FEE | {"key": "b", "price": {"model": "flat", "amount": "-3"}}]},
            "/body/charges/1/price/amount",
        ),
    ],
)
async def test_an_error_of_a_price_points_at_its_field(plan: dict[str, Any], pointer: str) -> None:
    """With dozens of charges and tiers, `request-invalid` alone would be a search."""
    response = await Harness().post("/v1/plans", plan)
    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer], response.text


BAD_STARTS: list[tuple[dict[str, object], int, str]] = [
    ({"plan_key": "gold"}, 404, "plan-unknown"),
    ({"plan_version": 2}, 404, "plan-unknown"),
    ({"plan_version": 0}, 400, "request-invalid"),
    ({"anchor_at": "2026-02-01T00:00:00Z"}, 422, "anchor-after-start"),
    ({"anchor_at": "0001-01-01T00:00:00Z"}, 422, "anchor-too-old"),
    ({"anchor_at": "9999-12-31T23:59:59Z"}, 422, "anchor-after-start"),
    ({"starts_at": "2036-02-02T00:00:00Z"}, 422, "start-too-far"),
    ({"trial_ends_at": "2026-01-30T00:00:00Z"}, 422, "trial-ends-before-start"),
    ({"quantities": {"fee": "2"}}, 422, "charge-without-quantity"),
    ({"quantities": {"seats": "2"}}, 422, "charge-unknown"),
    ({"prices": {"calls": {"model": "flat", "amount": "1"}}}, 422, "price-does-not-fit"),
    ({"starts_at": "0001-01-01T00:00:00Z"}, 422, "start-too-old"),
    ({"starts_at": "2026-01-30T00:00:00Z", "anchor_at": "2026-01-31T00:00:00Z"}, 422, "anchor-after-start"),
    ({"subject": ""}, 400, "request-invalid"),
]


@pytest.mark.parametrize(("change", "status", "code"), BAD_STARTS)
async def test_a_start_that_cannot_be_is_refused(change: dict[str, object], status: int, code: str) -> None:
    """Customer and plan exist; the other terms are wrong."""
    service = Harness()
    customer_id = (await service.post_ok("/v1/customers", CUSTOMER))["customer_id"]
    await service.define_meters()
    await service.post_ok("/v1/plans", PLAN)
    response = await service.post(
        "/v1/subscriptions", {"customer_id": customer_id, "plan_key": "pro"} | change
    )
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


async def test_a_plan_in_another_currency_is_refused() -> None:
    """The customer is billed in euros."""
    service = Harness()
    customer_id = (await service.post_ok("/v1/customers", CUSTOMER))["customer_id"]
    await service.define_meters()
    await service.post_ok("/v1/plans", PLAN | {"currency": "USD"})
    response = await service.post("/v1/subscriptions", {"customer_id": customer_id, "plan_key": "pro"})
    assert (response.status_code, response.json()["code"]) == (422, "plan-currency-differs")


async def test_the_documented_prices_are_those_on_the_shelf() -> None:
    """OpenAPI takes them from the register of pricing models, without unresolved references."""
    document = (await Harness().client.get("/openapi.json")).json()
    price = document["components"]["schemas"]["NewCharge"]["properties"]["price"]
    models = [model["properties"]["model"]["enum"] for model in price["oneOf"]]
    assert sorted(models) == sorted([model.__struct_config__.tag] for model in get_args(Price))
    assert "$defs" not in str(price)
