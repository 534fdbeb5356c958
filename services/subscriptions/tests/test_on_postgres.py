"""The same service on the real store: what held in memory must hold between processes."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from services.subscriptions.tests.running import Running
from services.subscriptions.tests.stories import NOON, on
from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore import migrate
from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.timers.loop import unfinished_timers


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[Running]:
    """The service on a migrated database of its own, with more connections than it needs."""
    role = f"subscriptions_test_{secrets.token_hex(6)}"
    owner = await asyncpg.connect(database_url)
    await owner.execute(f"CREATE ROLE {role}")
    await migrate.apply(database_url, [migrate.MIGRATIONS], app_role=role)
    pool = await connect(database_url, size_max=8)
    yield Running(PostgresEventStore(pool, "subscriptions", CONTRACTS))
    await pool.close()
    await owner.execute(f"DROP OWNED BY {role}")
    await owner.execute(f"DROP ROLE {role}")
    await owner.close()


async def test_a_year_is_closed_once_while_two_processes_race(house: Running) -> None:
    """Both fire every timer; each of the twelve periods is told once, as of its own end."""
    await house.told("/v1/test-clock", {"now": NOON.isoformat()})
    await house.subscribe()
    await house.told("/v1/test-clock/advance", {"to": on(1, 31, year=2027).isoformat()})
    one, other = house.timers(), house.timers()
    while sum(await asyncio.gather(one.fire_due(), other.fire_due())):
        pass
    assert await unfinished_timers(house.store, house.clock.now(), 1) == 0
    closings = await house.closings()
    assert [event.period_index for _, event in closings] == list(range(12))
    assert all(record.metadata.occurred_at == event.period.end for record, event in closings)


async def test_a_cancellation_that_races_with_a_timer_loses_no_period(house: Running) -> None:
    """Whoever comes first, the periods tile the time from the anchor to the end."""
    await house.told("/v1/test-clock", {"now": NOON.isoformat()})
    subscription_id = await house.subscribe()
    await house.told("/v1/test-clock/advance", {"to": on(3, 10).isoformat()})
    await asyncio.gather(
        house.settle(), house.told(f"/v1/subscriptions/{subscription_id}/cancel", {"at": "now"})
    )
    await house.settle()
    ends = [event.period.end for _, event in await house.closings()]
    assert ends == [on(2, 28), on(3, 10)]


async def test_ten_equal_requests_at_once_start_one_subscription(house: Running) -> None:
    """Each is answered: with the one subscription, or with please wait."""
    await house.subscribe()
    customer_id = (await house.told("/v1/customers", {"external_id": "b", "currency": "EUR"}))["customer_id"]
    body = {"customer_id": customer_id, "plan_key": "pro"}
    answers = await asyncio.gather(*(house.post("/v1/subscriptions", body, key="once") for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    started = [r for r in await house.records() if r.wire_name == "subscriptions.subscription.started.v1"]
    assert len(started) == 2
