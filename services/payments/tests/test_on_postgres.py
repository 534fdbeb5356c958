"""The service on the PostgreSQL store and ledger: two processes race, money moves once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.payments.gateways.sandbox.postgres import open_ledger
from services.payments.tests.harness import PaymentsHarness
from services.payments.tests.scenarios import DAY, DUE, FIVE_MINUTES, HOUR, finalized, voided
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.payments.collections import CollectionCompleted
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.testing.service_database import service_pool

LIMIT_S = 1.0
"""The gateway's time limit; a real ledger needs longer than the in-memory one."""


@pytest_asyncio.fixture
async def payments(database_url: str) -> AsyncIterator[PaymentsHarness]:
    async with service_pool(database_url, []) as pool, open_ledger(database_url) as ledger:
        yield PaymentsHarness(PostgresEventStore(pool, "payments", CONTRACTS), ledger, limit_s=LIMIT_S)


async def race(payments: PaymentsHarness) -> None:
    """Fire the due timers in two processes at once, until none is due."""
    one, other = payments.timers(), payments.timers()
    while sum(await asyncio.gather(one.fire_due(), other.fire_due())):
        pass


@pytest.mark.parametrize("token", ["tok_ok", "tok_soft-ok", "tok_timeout_before", "tok_timeout_after"])
async def test_two_processes_charge_once(payments: PaymentsHarness, token: str) -> None:
    """Both call the gateway at the same time under the same keys; one of them records the outcome."""
    await payments.register(token)
    await asyncio.gather(payments.deliver(finalized()), payments.deliver(finalized()))
    await race(payments)
    for pause in (FIVE_MINUTES, HOUR, 3 * DAY):
        payments.clock.move(pause)
        await race(payments)
    assert await payments.charges() == [DUE.minor]
    assert len(await payments.events(PaymentSucceeded)) == 1
    assert len(await payments.events(CollectionCompleted)) == 1


async def test_a_void_that_races_with_the_charge_keeps_no_money(payments: PaymentsHarness) -> None:
    """Abandoned, or charged and refunded."""
    await payments.register("tok_ok")
    await payments.deliver(finalized())
    await asyncio.gather(race(payments), payments.deliver(voided()))
    await race(payments)
    assert await payments.received_by_gateway() == await payments.received_by_events() == 0
