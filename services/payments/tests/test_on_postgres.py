"""The same service on the real store and the sandbox's real books: two processes race, money moves once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.payments.gateways.sandbox.postgres import open_books
from services.payments.tests.running import Running
from services.payments.tests.stories import DAY, DUE, FIVE_MINUTES, HOUR, finalized, voided
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.payments.collections import CollectionCompleted
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.testing.service_database import service_pool

LIMIT_S = 1.0
"""Real books answer over a socket; the stories that need silence wait this long for it."""


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[Running]:
    async with service_pool(database_url, []) as pool, open_books(database_url) as books:
        yield Running(PostgresEventStore(pool, "payments", CONTRACTS), books, limit_s=LIMIT_S)


async def race(house: Running) -> None:
    """Two processes fire everything that is due, side by side."""
    one, other = house.timers(), house.timers()
    while sum(await asyncio.gather(one.fire_due(), other.fire_due())):
        pass


@pytest.mark.parametrize("token", ["tok_ok", "tok_soft-ok", "tok_timeout_before", "tok_timeout_after"])
async def test_two_processes_charge_once(house: Running, token: str) -> None:
    """They ask at the same moments, under the same keys; one of them writes down what they heard."""
    await house.customer(token)
    await asyncio.gather(house.hear(finalized()), house.hear(finalized()))
    await race(house)
    for pause in (FIVE_MINUTES, HOUR, 3 * DAY):
        house.clock.move(pause)
        await race(house)
    assert await house.charges() == [DUE.minor]
    assert len(await house.said(PaymentSucceeded)) == 1
    assert len(await house.said(CollectionCompleted)) == 1


async def test_a_void_that_races_with_the_charge_keeps_no_money(house: Running) -> None:
    """Whoever comes first: abandoned, or charged and given back."""
    await house.customer("tok_ok")
    await house.hear(finalized())
    await asyncio.gather(race(house), house.hear(voided()))
    await race(house)
    assert await house.money_at_the_gateway() == await house.told_of_money() == 0
