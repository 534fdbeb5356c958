"""Entitlements: carried by plans, given by running subscriptions, shown together for a customer."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.subscriptions.tests.harness import CUSTOMER, CUSTOMER_ID, FEE, PLAN, Harness
from services.subscriptions.tests.scenarios import NOON, on
from shared.billing.entitlements import Entitlement, effective_entitlements

SSO = {"key": "sso", "kind": "boolean"}
SEATS = {"key": "seats", "kind": "limit", "limit": "10"}
CALLS = {"key": "calls", "kind": "metered", "meter_key": "calls", "limit": "1000"}
FREE = PLAN | {"key": "free", "charges": [FEE]}
PATH = f"/v1/customers/{CUSTOMER_ID}/entitlements"


async def with_plans() -> Harness:
    """A customer, and two plans with entitlements."""
    service = Harness()
    await service.post_ok("/v1/customers", CUSTOMER)
    await service.define_meters()
    await service.post_ok("/v1/plans", FREE | {"entitlements": [SSO, SEATS, CALLS]})
    more = [SEATS | {"limit": "25"}, {"key": "calls", "kind": "metered", "meter_key": "calls"}]
    await service.post_ok("/v1/plans", FREE | {"key": "gold", "entitlements": more})
    return service


async def shown(service: Harness, path: str = PATH, token: str = "admin") -> dict[str, Any]:
    """Limit by key."""
    body = await service.get_ok(path, token=token)
    return {one["key"]: one["limit"] for one in body["items"]}


async def test_a_plan_is_read_with_its_entitlements() -> None:
    """And other entitlements are another version."""
    service = await with_plans()
    plan = await service.get_ok("/v1/plans/free")
    nothing = {"limit": None, "meter_key": None}
    assert plan["entitlements"] == [nothing | one for one in (SSO, SEATS, CALLS)]
    assert (await service.post_ok("/v1/plans", FREE | {"entitlements": [SSO]}))["version"] == 2


async def test_a_customer_has_what_its_running_subscriptions_give_together() -> None:
    """Of several limits the highest, none is the highest; what ends gives nothing any more."""
    service = await with_plans()
    assert await shown(service) == {}
    body = {"customer_id": CUSTOMER_ID, "plan_key": "free"}
    free = (await service.post_ok("/v1/subscriptions", body))["subscription_id"]
    assert await shown(service) == {"sso": None, "seats": "10", "calls": "1000"}
    gold = (await service.post_ok("/v1/subscriptions", body | {"plan_key": "gold"}))["subscription_id"]
    assert await shown(service, token="customer") == {"sso": None, "seats": "25", "calls": None}
    seats = next(one for one in (await service.get_ok(PATH))["items"] if one["key"] == "seats")
    assert seats["subscription_ids"] == sorted([free, gold])
    await service.post_ok(f"/v1/subscriptions/{gold}/cancel", {"at": "period_end"})
    assert (await shown(service))["seats"] == "25"
    service.clock.move(on(2, 28) - NOON)
    await service.run_due_timers()
    assert (await shown(service))["seats"] == "10"
    await service.post_ok(f"/v1/subscriptions/{free}/pause", {})
    assert await shown(service) == {}
    await service.post_ok(f"/v1/subscriptions/{free}/resume", {})
    assert (await shown(service))["seats"] == "10"
    await service.post_ok(f"/v1/subscriptions/{free}/change", {"plan_key": "gold"})
    assert await shown(service) == {"seats": "25", "calls": None}


async def test_a_subscription_keeps_the_entitlements_of_its_version() -> None:
    """A newer version is for those who start or change to it."""
    service = await with_plans()
    await service.post_ok("/v1/subscriptions", {"customer_id": CUSTOMER_ID, "plan_key": "free"})
    await service.post_ok("/v1/plans", FREE | {"entitlements": [SSO]})
    service.clock.move(on(2, 28) - NOON)
    await service.run_due_timers()
    assert (await shown(service))["seats"] == "10"


BAD = [
    ([SSO, SSO], 400, "entitlement-key-duplicate", "/body/entitlements/1"),
    ([SSO | {"limit": "1"}], 400, "entitlement-invalid", "/body/entitlements/0"),
    ([SSO | {"meter_key": "calls"}], 400, "entitlement-invalid", "/body/entitlements/0"),
    ([{"key": "seats", "kind": "limit"}], 400, "entitlement-invalid", "/body/entitlements/0"),
    ([SEATS | {"meter_key": "calls"}], 400, "entitlement-invalid", "/body/entitlements/0"),
    ([{"key": "calls", "kind": "metered"}], 400, "entitlement-invalid", "/body/entitlements/0"),
    ([SEATS | {"limit": "-1"}], 400, "request-invalid", "/body/entitlements/0/limit"),
    ([SSO, CALLS | {"meter_key": "miles"}], 422, "meter-unknown", "/body/entitlements/1/meter_key"),
]


@pytest.mark.parametrize(("entitlements", "status", "code", "pointer"), BAD)
async def test_what_cannot_be_an_entitlement_is_refused(
    entitlements: list[dict[str, Any]], status: int, code: str, pointer: str
) -> None:
    """With its place in the plan."""
    service = Harness()
    response = await service.post("/v1/plans", FREE | {"entitlements": entitlements})
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert await service.records() == []


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/v1/customers/cus_0/entitlements", "admin", 404),
        ("/v1/customers/plan_0/entitlements", "admin", 404),
        (PATH, "stranger", 404),
        ("/v1/customers/cus_0/entitlements", "customer", 404),
        (PATH, "reader", 403),
    ],
)
async def test_entitlements_of_another_are_not_shown(path: str, token: str, status: int) -> None:
    """A customer reads its own alone."""
    service = await with_plans()
    assert (await service.get(path, token=token)).status_code == status


limits = st.none() | st.decimals(0, 10**6, places=2)
some = st.lists(
    st.builds(
        Entitlement,
        key=st.sampled_from(["a", "b"]),
        kind=st.just("metered"),
        limit=limits,
        meter_key=st.sampled_from(["m", "n"]),
    ),
    max_size=4,
).map(tuple)


@given(st.dictionaries(st.sampled_from(["s1", "s2", "s3"]), some))
def test_together_no_subscription_gives_more(by_subscription: dict[str, tuple[Entitlement, ...]]) -> None:
    """Each that a subscription gives is among the effective ones, with at least its limit."""
    effective = {(one.key, one.meter_key): one for one in effective_entitlements(by_subscription)}
    highest: dict[tuple[str, str | None], Decimal] = {}
    for subscription_id, given_by_one in by_subscription.items():
        for one in given_by_one:
            together, mine = effective[one.key, one.meter_key], one.limit
            assert subscription_id in together.subscription_ids
            assert together.limit is None or (mine is not None and mine <= together.limit)
            highest[one.key, one.meter_key] = max(
                highest.get((one.key, one.meter_key), Decimal(0)), Decimal("inf") if mine is None else mine
            )
    assert highest == {
        key: Decimal("inf") if one.limit is None else one.limit for key, one in effective.items()
    }
