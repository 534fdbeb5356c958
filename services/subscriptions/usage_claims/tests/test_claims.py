"""Usage of a meter and subject is billed by one subscription at a time."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.subscriptions.tests.harness import CALLS, CUSTOMER, FEE, PLAN, Harness
from services.subscriptions.tests.scenarios import DAY, NOON, on
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.period import Period

STORAGE = CALLS | {"key": "storage", "meter_key": "storage"}
SHARING = PLAN | {"key": "addon", "shares_usage": True}


async def open_service() -> tuple[Harness, dict[str, Any]]:
    """A service at NOON with two meters and three plans; the body of a subscription to `pro`."""
    service = Harness()
    await service.post_ok("/v1/test-clock", {"now": NOON.isoformat()})
    await service.define_meters("calls", "storage")
    customer = await service.post_ok("/v1/customers", CUSTOMER)
    for plan in (PLAN, SHARING, PLAN | {"key": "disk", "charges": [FEE, STORAGE]}):
        await service.post_ok("/v1/plans", plan)
    return service, {"customer_id": customer["customer_id"], "plan_key": "pro"}


async def code_of(service: Harness, body: object) -> str | None:
    """The code with which a start is refused; None if it is not."""
    response = await service.post("/v1/subscriptions", body)
    refused: str | None = response.json().get("code")
    return refused


async def test_two_running_subscriptions_do_not_bill_the_same_usage() -> None:
    """Neither by the same plan nor by another one with the meter; the refusal names the first."""
    service, body = await open_service()
    first = await service.post_ok("/v1/subscriptions", body)
    response = await service.post("/v1/subscriptions", body)
    assert (response.status_code, response.json()["code"]) == (409, "usage-is-billed-already")
    assert response.json()["detail"] == f"calls of acme-1 is billed by {first['subscription_id']}"
    before = len(await service.records())
    assert await code_of(service, body | {"plan_key": "pro"}) == "usage-is-billed-already"
    assert len(await service.records()) == before


async def test_another_customers_subject_is_not_billed_twice() -> None:
    """A subject is the tenant's name of what is used, whoever pays for it."""
    service, body = await open_service()
    await service.post_ok("/v1/subscriptions", body)
    other = await service.post_ok("/v1/customers", CUSTOMER | {"external_id": "acme-2"})
    theirs = body | {"customer_id": other["customer_id"]}
    assert await code_of(service, theirs | {"subject": "acme-1"}) == "usage-is-billed-already"
    assert await code_of(service, theirs) is None


async def test_a_subject_of_another_tenant_is_another_subject() -> None:
    """Claims are the tenant's own, and no answer names another tenant's subscription."""
    service, body = await open_service()
    await service.post_ok("/v1/subscriptions", body)
    await service.define_meters(tenant="other")
    await service.post("/v1/plans", PLAN, token="stranger")
    theirs = (await service.post("/v1/customers", CUSTOMER, token="stranger")).json()["customer_id"]
    response = await service.post("/v1/subscriptions", body | {"customer_id": theirs}, token="stranger")
    assert response.status_code == 201


async def test_other_meters_of_the_subject_are_free() -> None:
    """What overlaps is a meter and a subject together."""
    service, body = await open_service()
    await service.post_ok("/v1/subscriptions", body)
    assert await code_of(service, body | {"plan_key": "disk"}) is None
    assert await code_of(service, body | {"plan_key": "disk"}) == "usage-is-billed-already"


@pytest.mark.parametrize("plans", [("pro", "addon", "addon"), ("addon", "pro", "addon")])
async def test_a_plan_that_shares_usage_neither_claims_it_nor_waits_for_it(plans: tuple[str, ...]) -> None:
    """In whatever order they are started."""
    service, body = await open_service()
    assert [await code_of(service, body | {"plan_key": plan}) for plan in plans] == [None, None, None]


async def test_cancelled_now_the_usage_is_free_from_that_instant_on() -> None:
    """The first of March is no start: what was billed until the 15th is not billed again."""
    service, body = await open_service()
    first = await service.post_ok("/v1/subscriptions", body)
    await service.advance(on(3, 15))
    await service.post_ok(f"/v1/subscriptions/{first['subscription_id']}/cancel", {"at": "now"})
    first_of_march = on(3, 1).isoformat()
    backdated = await service.post("/v1/subscriptions", body | {"starts_at": first_of_march})
    assert backdated.json()["code"] == "usage-is-billed-already"
    assert backdated.json()["detail"].endswith(f" until {on(3, 15).isoformat()}")
    second = await service.post_ok("/v1/subscriptions", body | {"anchor_at": first_of_march})
    assert (second["starts_at"], second["anchor_at"]) == ("2026-03-15T12:00:00Z", "2026-03-01T12:00:00Z")
    await service.advance(on(4, 2))
    periods = [event.period for _, event in await service.closings()]
    assert periods[-2:] == [Period(on(2, 28), on(3, 15)), Period(on(3, 15), on(4, 1, hour=11))]


async def test_cancelled_with_the_period_the_usage_is_free_at_its_end() -> None:
    """Not a microsecond sooner; cancelled again at once, it is free at once."""
    service, body = await open_service()
    first = await service.post_ok("/v1/subscriptions", body)
    cancel = f"/v1/subscriptions/{first['subscription_id']}/cancel"
    await service.post_ok(cancel, {"at": "period_end"})
    await service.advance(on(2, 28) - timedelta(microseconds=1))
    assert await code_of(service, body) == "usage-is-billed-already"
    await service.advance(on(2, 28))
    assert await code_of(service, body) is None


async def test_a_subscription_without_any_time_leaves_its_usage_free() -> None:
    """It was cancelled at the instant at which it started; another one may start before it, too."""
    service, body = await open_service()
    first = await service.post_ok("/v1/subscriptions", body)
    await service.post_ok(f"/v1/subscriptions/{first['subscription_id']}/cancel", {"at": "now"})
    assert await code_of(service, body | {"starts_at": (NOON - DAY).isoformat()}) is None


async def test_of_two_starts_at_once_one_is_refused() -> None:
    """Each sees the claim of the other: the stream of claims has one next version."""
    service, body = await open_service()
    codes = await asyncio.gather(*(code_of(service, body) for _ in range(6)))
    assert sorted(map(str, codes)) == ["None"] + 5 * ["usage-is-billed-already"]


starts = st.fixed_dictionaries(
    {
        "plan_key": st.sampled_from(["pro", "pro", "disk"]),
        "subject": st.sampled_from(["acme-1", "acme-1", "acme-2"]),
        "starts": st.none() | st.integers(-40, 0),
        "anchor": st.none() | st.integers(-50, 0),
    }
)
cancels = st.tuples(st.integers(0, 9), st.sampled_from(["now", "period_end"]))
steps = st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(days=45)), starts | cancels), max_size=12)


@given(steps)
@settings(max_examples=40, deadline=None)
def test_every_instant_of_usage_is_billed_by_one_subscription(taken: list[tuple[timedelta, Any]]) -> None:
    """Whatever is started, backdated, anchored, cancelled and started again."""
    asyncio.run(_play(taken))


async def _play(taken: list[tuple[timedelta, Any]]) -> None:
    service, body = await open_service()
    now, subscriptions = NOON, list[str]()
    for pause, step in taken:
        if pause:
            now += pause
            await service.advance(now)
        if isinstance(step, dict):
            terms = {key: step[key] for key in ("plan_key", "subject")}
            response = await service.post("/v1/subscriptions", body | terms | _instants(step, now))
            if response.status_code == 201:
                subscriptions.append(response.json()["subscription_id"])
        elif step[0] < len(subscriptions):
            await service.post(f"/v1/subscriptions/{subscriptions[step[0]]}/cancel", {"at": step[1]})
    await service.run_due_timers()
    await service.advance(now + timedelta(days=70))
    _check([event for _, event in await service.closings()])


def _instants(step: dict[str, Any], now: datetime) -> dict[str, str]:
    days = {"starts_at": step["starts"], "anchor_at": step["anchor"]}
    return {name: (now + offset * DAY).isoformat() for name, offset in days.items() if offset is not None}


def _check(closings: list[BillingPeriodClosed]) -> None:
    billed: dict[tuple[str | None, str], list[Period]] = {}
    for event in closings:
        for charge in event.charges:
            if charge.meter_key is not None:
                billed.setdefault((charge.meter_key, event.subject), []).append(event.period)
    for periods in billed.values():
        ordered = sorted(periods, key=lambda period: period.start)
        assert all(one.end <= other.start for one, other in pairwise(ordered)), ordered
    assert all(event.full_period.start <= event.period.start < event.period.end for event in closings)
    assert all(event.period.end <= event.full_period.end for event in closings)
