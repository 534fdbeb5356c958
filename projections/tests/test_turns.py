"""Large answers are resolved in slices, and the rows of tenants alternate."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator

import pytest

from projections.engine.turns import QUERIES_MAX, ROWS_PER_PASS, WAITING_MAX, Turns
from projections.refusals import TenantIsBusy
from projections.tests.conftest import PostgresReadSide, stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import ADA, Contexts, day, deliver
from projections.tests.test_invoice_lines import SLICE_CPU_S, line, longest_slice
from shared.billing.contracts.invoicing.invoices import InvoiceDrafted, InvoiceLinesRated
from shared.framework.process.gc_tuning import tune_garbage_collector


async def test_one_pass_of_the_loop_resolves_few_rows() -> None:
    """However many wait, and each in its order."""
    turns, resolved = Turns(), list[int]()

    async def resolve(number: int) -> None:
        await turns.take("acme")
        resolved.append(number)

    rows = [asyncio.create_task(resolve(number)) for number in range(5 * ROWS_PER_PASS)]
    before = 0
    while not all(row.done() for row in rows):
        await asyncio.sleep(0)
        assert len(resolved) - before <= ROWS_PER_PASS
        before = len(resolved)
    assert resolved == list(range(5 * ROWS_PER_PASS))


async def test_a_tenant_with_few_rows_does_not_wait_for_one_with_many() -> None:
    """The turns alternate between the tenants that wait."""
    turns, resolved = Turns(), list[str]()

    async def resolve(tenant_id: str) -> None:
        await turns.take(tenant_id)
        resolved.append(tenant_id)

    many = [asyncio.create_task(resolve("many")) for _ in range(200)]
    await asyncio.sleep(0)
    few = [asyncio.create_task(resolve("few")) for _ in range(4)]
    await asyncio.gather(*many, *few)
    assert Counter(resolved[: 4 * ROWS_PER_PASS])["few"] == 4


async def test_a_cancelled_row_takes_no_turn() -> None:
    """A client that has gone away does not hold up others."""
    turns = Turns()
    rows = [asyncio.create_task(turns.take("acme")) for _ in range(4 * ROWS_PER_PASS)]
    await asyncio.sleep(0)
    for row in rows[ROWS_PER_PASS : 3 * ROWS_PER_PASS]:
        row.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*rows, return_exceptions=True)
    assert sum(row.cancelled() for row in rows) == 2 * ROWS_PER_PASS


async def test_one_tenants_queries_are_few_at_a_time_and_another_tenants_go_on() -> None:
    """Those that wait go on in their order; beyond a bound they are refused."""
    turns, running = Turns(), Counter[str]()
    end = asyncio.Event()

    async def query(tenant_id: str) -> None:
        async with turns.query(tenant_id):
            running[tenant_id] += 1
            await end.wait()
            running[tenant_id] -= 1

    many = [asyncio.create_task(query("many")) for _ in range(QUERIES_MAX + WAITING_MAX)]
    few = asyncio.create_task(query("few"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert running == {"many": QUERIES_MAX, "few": 1}
    with pytest.raises(TenantIsBusy):
        await query("many")
    end.set()
    await asyncio.gather(*many, few)
    assert running.total() == 0
    await query("many")  # the bound is of what waits now


@pytest.fixture
def _collected_like_a_service() -> Iterator[None]:
    before = gc.get_threshold()
    tune_garbage_collector()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_collected_like_a_service")
async def test_a_page_with_all_that_belongs_to_it_never_holds_the_event_loop(
    postgres_side: PostgresReadSide,
) -> None:
    """Forty invoices with a hundred lines each."""
    contexts, side = Contexts(), postgres_side
    for number in range(40):
        invoice_id = f"inv_{number}"
        drafted = InvoiceDrafted(
            invoice_id=invoice_id,
            customer_id=ADA,
            currency="USD",
            subscription_id=None,
            period=None,
            drafted_at=day(1),
        )
        lines = tuple(map(line, range(100)))
        rated = InvoiceLinesRated(invoice_id=invoice_id, lines=lines, reading_id=None, rated_at=day(1))
        await contexts.publish("invoicing", invoice_id, drafted, rated, at=day(1))
    await deliver(contexts, side.projector, side.store)
    frontend = Frontend(stores_of(side))
    query = """{ invoices(first: 40) { edges { node { id lines { id description quantity
      amount { minor amount currency } steps { description quantity unitPrice amount } } } } } }"""
    found: list[int] = []

    async def read() -> None:
        edges = (await frontend.data(query))["invoices"]["edges"]
        found.append(sum(len(edge["node"]["lines"]) for edge in edges))

    await read()  # the query is parsed and validated once, and kept
    assert await longest_slice(read) < SLICE_CPU_S
    assert found == [4000, 4000]
