"""The service on PostgreSQL: what holds in memory must hold between processes."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from services.subscriptions.coupons.tests.test_coupons_over_http import SPRING, redeem
from services.subscriptions.tests.harness import CUSTOMER, PLAN, Harness
from services.subscriptions.tests.scenarios import NOON, on
from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore import migrate
from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.timers.loop import unfinished_timers


@pytest_asyncio.fixture
async def service(database_url: str) -> AsyncIterator[Harness]:
    """The service on a migrated database of its own, with more connections than it needs."""
    role = f"subscriptions_test_{secrets.token_hex(6)}"
    owner = await asyncpg.connect(database_url)
    await owner.execute(f"CREATE ROLE {role}")
    await migrate.apply(database_url, [migrate.MIGRATIONS], app_role=role)
    pool = await connect(database_url, size_max=8)
    yield Harness(PostgresEventStore(pool, "subscriptions", CONTRACTS))
    await pool.close()
    await owner.execute(f"DROP OWNED BY {role}")
    await owner.execute(f"DROP ROLE {role}")
    await owner.close()


async def test_a_year_is_closed_once_while_two_processes_race(service: Harness) -> None:
    """Both fire every timer; each of the twelve periods is closed once, as of its own end."""
    await service.post_ok("/v1/test-clock", {"now": NOON.isoformat()})
    await service.subscribe()
    await service.post_ok("/v1/test-clock/advance", {"to": on(1, 31, year=2027).isoformat()})
    one, other = service.timers(), service.timers()
    while sum(await asyncio.gather(one.fire_due(), other.fire_due())):
        pass
    assert await unfinished_timers(service.store, service.clock.now(), 1) == 0
    closings = await service.closings()
    assert [event.period_index for _, event in closings] == list(range(12))
    assert all(record.metadata.occurred_at == event.period.end for record, event in closings)


async def test_a_cancellation_that_races_with_a_timer_loses_no_period(service: Harness) -> None:
    """In either order, the periods tile the time from the anchor to the end."""
    await service.post_ok("/v1/test-clock", {"now": NOON.isoformat()})
    subscription_id = await service.subscribe()
    await service.post_ok("/v1/test-clock/advance", {"to": on(3, 10).isoformat()})
    await asyncio.gather(
        service.run_due_timers(),
        service.post_ok(f"/v1/subscriptions/{subscription_id}/cancel", {"at": "now"}),
    )
    await service.run_due_timers()
    ends = [event.period.end for _, event in await service.closings()]
    assert ends == [on(2, 28), on(3, 10)]


async def test_ten_equal_requests_at_once_start_one_subscription(service: Harness) -> None:
    """Each response is the one subscription, or a conflict."""
    await service.subscribe()
    customer_id = (await service.post_ok("/v1/customers", {"external_id": "b", "currency": "EUR"}))[
        "customer_id"
    ]
    body = {"customer_id": customer_id, "plan_key": "pro"}
    responses = await asyncio.gather(
        *(service.post("/v1/subscriptions", body, key="once") for _ in range(10))
    )
    assert {response.status_code for response in responses} <= {201, 409}
    assert len({response.content for response in responses if response.status_code == 201}) == 1
    started = [r for r in await service.records() if r.wire_name == "subscriptions.subscription.started.v1"]
    assert len(started) == 2


async def test_of_starts_at_once_one_bills_the_usage(service: Harness) -> None:
    """The stream of claims has one next version: the others decide again, and are refused."""
    await service.define_meters()
    await service.post_ok("/v1/plans", PLAN)
    customer = await service.post_ok("/v1/customers", CUSTOMER)
    body = {"customer_id": customer["customer_id"], "plan_key": "pro"}
    responses = await asyncio.gather(*(service.post("/v1/subscriptions", body) for _ in range(6)))
    codes = sorted(str(response.json().get("code")) for response in responses)
    assert codes == ["None"] + 5 * ["usage-is-billed-already"]
    [listed] = (await service.get_ok("/v1/subscriptions"))["items"]
    assert listed in [response.json() for response in responses]


async def test_redemptions_that_race_never_exceed_the_limit(service: Harness) -> None:
    """Twelve subscriptions redeem a coupon of five at once, on connections of their own."""
    await service.post_ok("/v1/coupons", SPRING | {"redemptions_max": 5})
    won = await asyncio.gather(*(redeem(service, f"sub_{number}", f"cus_{number}") for number in range(12)))
    assert sum(won) == 5
    wire_names = [record.wire_name for record in await service.records()]
    assert wire_names.count("subscriptions.coupon.redeemed.v1") == 5
