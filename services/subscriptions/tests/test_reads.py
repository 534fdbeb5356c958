"""What is written to subscriptions can be read there: one, and a page after the other."""

from typing import Any

import pytest

from services.subscriptions.tests.harness import CUSTOMER, CUSTOMER_ID, FEE, PLAN, Harness
from services.subscriptions.tests.scenarios import on

UNKNOWN = [
    ("/v1/customers/cus_1", "customer-unknown"),
    ("/v1/customers/plan_1", "customer-unknown"),
    ("/v1/plans/gold", "plan-unknown"),
    ("/v1/plans/pro?version=2", "plan-unknown"),
    ("/v1/coupons/AUTUMN", "coupon-unknown"),
    ("/v1/subscriptions/sub_0", "subscription-unknown"),
    (f"/v1/subscriptions/{CUSTOMER_ID}", "subscription-unknown"),
]
LISTS = ("/v1/customers", "/v1/plans", "/v1/coupons", "/v1/subscriptions")


async def test_a_customer_is_read_as_it_was_registered() -> None:
    service = Harness()
    registered = await service.post_ok("/v1/customers", CUSTOMER)
    assert await service.get_ok(f"/v1/customers/{CUSTOMER_ID}") == registered
    assert await service.get_ok("/v1/customers") == {"items": [registered], "next_cursor": None}


async def test_a_plan_is_read_with_its_prices_and_can_be_posted_as_it_is_read() -> None:
    """The newest version, or the one that is named; posted again it is the same version."""
    service = Harness()
    await service.define_meters()
    await service.post_ok("/v1/plans", PLAN)
    await service.post_ok("/v1/plans", PLAN | {"name": "Pro 2", "shares_usage": True})
    newest = await service.get_ok("/v1/plans/pro")
    assert (newest["version"], newest["name"], newest["shares_usage"]) == (2, "Pro 2", True)
    assert await service.get_ok("/v1/plans?limit=1") == {"items": [newest], "next_cursor": None}
    first = await service.get_ok("/v1/plans/pro?version=1")
    assert first["charges"][0].items() >= (FEE | {"meter_key": None}).items()
    body = {key: newest[key] for key in (*PLAN, "shares_usage")}
    assert (await service.post_ok("/v1/plans", body))["version"] == 2


async def test_a_subscription_is_read_as_its_commands_return_it() -> None:
    """Started, cancelled, ended."""
    service = Harness()
    subscription_id = await service.subscribe()
    path = f"/v1/subscriptions/{subscription_id}"
    assert (await service.get_ok(path))["status"] == "active"
    cancelled = await service.post_ok(f"{path}/cancel", {"at": "period_end"})
    assert await service.get_ok(path) == cancelled
    assert (await service.get_ok("/v1/subscriptions"))["items"] == [cancelled]
    service.clock.move(on(2, 28) - service.clock.now())
    await service.run_due_timers()
    assert await service.get_ok(path) == cancelled | {"status": "ended"}


async def test_a_list_is_read_page_by_page_in_the_order_of_creation() -> None:
    """A row that is added while the pages are read comes once, at the end."""
    service = Harness()
    names = [f"c-{number}" for number in (3, 1, 5, 2, 4)]
    for name in names[:4]:
        await service.post_ok("/v1/customers", CUSTOMER | {"external_id": name})
    found, cursor = [], ""
    while cursor is not None:
        page: dict[str, Any] = await service.get_ok(f"/v1/customers?limit=2{cursor and '&cursor='}{cursor}")
        found += [one["external_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        await service.post_ok("/v1/customers", CUSTOMER | {"external_id": names[4]})
    assert found == names


@pytest.mark.parametrize(("path", "code"), UNKNOWN)
async def test_what_is_not_there_is_unknown(path: str, code: str) -> None:
    """Also a stream of another kind; the customer and version 1 of the plan are there."""
    service = Harness()
    await service.subscribe()
    response = await service.get(path)
    assert (response.status_code, response.json()["code"]) == (404, code)


async def test_another_tenant_finds_nothing() -> None:
    """Neither by an id nor in a list."""
    service = Harness()
    subscription_id = await service.subscribe()
    for path in (f"/v1/customers/{CUSTOMER_ID}", "/v1/plans/pro", f"/v1/subscriptions/{subscription_id}"):
        assert (await service.get(path)).status_code == 200
        assert (await service.get(path, token="stranger")).status_code == 404
    for path in LISTS:
        assert (await service.get_ok(path, token="stranger"))["items"] == []


async def test_a_customer_reads_itself_alone() -> None:
    """Its own row and subscription; lists, plans and another customer are not for it."""
    service = Harness()
    mine = await service.subscribe()
    other = await service.post_ok("/v1/customers", CUSTOMER | {"external_id": "acme-2"})
    theirs = await service.post_ok(
        "/v1/subscriptions", {"customer_id": other["customer_id"], "plan_key": "pro"}
    )
    for path, status in {
        f"/v1/customers/{CUSTOMER_ID}": 200,
        f"/v1/subscriptions/{mine}": 200,
        f"/v1/customers/{other['customer_id']}": 404,
        f"/v1/subscriptions/{theirs['subscription_id']}": 404,
        "/v1/plans/pro": 403,
        **dict.fromkeys(LISTS, 403),
    }.items():
        assert (await service.get(path, token="customer")).status_code == status, path


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=first", "cursor=-1", "cursor="])
async def test_a_page_that_cannot_be_is_refused(query: str) -> None:
    """400, with a code."""
    response = await Harness().get(f"/v1/customers?{query}")
    assert response.status_code == 400
    assert response.json()["code"] in ("request-invalid", "cursor-invalid")


@pytest.mark.parametrize("path", [*LISTS, "/v1/customers/cus_1", "/v1/plans/pro", "/v1/subscriptions/sub_1"])
async def test_a_scope_of_another_route_does_not_read(path: str) -> None:
    """Deny by default."""
    assert (await Harness().get(path, token="reader")).status_code == 403
