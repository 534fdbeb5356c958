"""Large answers are resolved in slices, and the rows of tenants alternate."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator

import pytest

from projections.engine.turns import HALF_LIFE_S, MANY, QUERIES_MAX, RESTS, ROWS_PER_PASS, WAITING_MAX, Turns
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


ROW_S = 0.001


class _Reading:
    """Rows of one tenant that are resolved in ROW_S each, by a clock that only they and the test move."""

    def __init__(self, rows: int) -> None:
        self.now = 0.0
        self.resolved = 0
        self.turns = Turns(lambda: self.now)
        self.rows = [asyncio.create_task(self._resolve()) for _ in range(rows)]

    async def _resolve(self) -> None:
        await self.turns.take("many")
        self.now += ROW_S
        self.resolved += 1

    async def during(self, passes: int) -> int:
        """The number of rows that are resolved in these passes of the loop."""
        before = self.resolved
        for _ in range(passes):
            await asyncio.sleep(0)
        return self.resolved - before


async def test_a_tenant_that_reads_much_rests_while_another_asks() -> None:
    """RESTS times as long as its rows took; the other goes on at once."""
    reading, rest_s = _Reading(4 * MANY), RESTS * ROWS_PER_PASS * ROW_S
    await reading.during(2 * MANY // ROWS_PER_PASS)
    async with reading.turns.query("few"):
        await reading.during(3)  # those that have had their turn
        for _ in range(20):
            await reading.turns.take("few")
        assert await reading.during(20) == 0
        reading.now += 0.5 * rest_s
        await reading.turns.take("few")
        assert await reading.during(20) == 0
        reading.now += 0.6 * rest_s
        await reading.turns.take("few")
        assert 0 < await reading.during(20) <= ROWS_PER_PASS
    reading.now += 10 * HALF_LIFE_S  # the other has asked long ago
    async with asyncio.timeout(5):
        await asyncio.gather(*reading.rows)


async def test_a_tenant_that_reads_alone_never_rests() -> None:
    """Its rows are resolved in every pass."""
    reading = _Reading(4 * MANY)
    await reading.during(2)
    for _ in range(3 * MANY // ROWS_PER_PASS):
        assert await reading.during(1) == ROWS_PER_PASS
    for row in reading.rows:
        row.cancel()


async def test_tenants_that_read_about_the_same_do_not_rest() -> None:
    """Their turns alternate, however much both read."""
    reading = _Reading(4 * MANY)
    other = [asyncio.create_task(reading.turns.take("other")) for _ in range(4 * MANY)]
    await reading.during(2)
    for _ in range(6 * MANY // ROWS_PER_PASS):
        assert await reading.during(1) == ROWS_PER_PASS // 2
    for row in (*reading.rows, *other):
        row.cancel()


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
