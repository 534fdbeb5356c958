"""Lines of invoices: read with the invoice when they are few, page by page when they are many."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from projections.engine.large_events import LARGE_BYTES, DecodedOnDemand, decode_event
from projections.engine.postgres.build_tables import build_missing_tables
from projections.read_models.invoice_lines.projection import INVOICE_LINES
from projections.read_models.invoices.projection import INVOICES
from projections.tests.conftest import PostgresReadSide, ReadSide, stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import ADA, TENANT, Contexts, a_customer, day, deliver, dollars
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDiscount,
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLine,
    InvoiceLinesRated,
    LineDiscount,
)
from shared.billing.pricing import RatingStep
from shared.framework.eventstore.contracts import EventIsUnreadable
from shared.framework.process.gc_tuning import tune_garbage_collector

INVOICE = f"inv_{TENANT}_big"
SLICE_CPU_S = 0.1
"""Nothing may hold the event loop for 50 ms; twice that here, for a machine of half the speed."""
MANY = 40_000


def line(number: int) -> InvoiceLine:
    step = RatingStep(
        description="per unit", quantity=Decimal(number), unit_price=Decimal("0.01"), amount=Decimal(number)
    )
    return InvoiceLine(
        line_id=f"{INVOICE}/{number}",
        charge_key="calls",
        description=f"Calls (user=user-{number})",
        quantity=Decimal(number),
        amount=dollars(number),
        steps=(step,),
        meter_key="calls",
    )


async def drafted(contexts: Contexts) -> None:
    event = InvoiceDrafted(
        invoice_id=INVOICE,
        customer_id=ADA,
        currency="USD",
        subscription_id=None,
        period=None,
        drafted_at=day(1),
    )
    await contexts.publish("invoicing", INVOICE, event, at=day(1))


async def rated(contexts: Contexts, lines: int, at: datetime) -> None:
    event = InvoiceLinesRated(
        invoice_id=INVOICE, lines=tuple(map(line, range(1, lines + 1))), reading_id=None, rated_at=at
    )
    await contexts.publish("invoicing", INVOICE, event, at=at)


async def finalized(contexts: Contexts, lines: int, at: datetime) -> None:
    amounts: dict[str, Any] = dict.fromkeys(("subtotal", "tax", "total", "amount_due"), dollars(lines))
    event = InvoiceFinalized(
        invoice_id=INVOICE,
        customer_id=ADA,
        subscription_id=None,
        number="INV-000001",
        lines=tuple(map(line, range(1, lines + 1))),
        taxes=(),
        finalized_at=at,
        **amounts,
    )
    await contexts.publish("invoicing", INVOICE, event, at=at)


PAGES = """query($id: ID!, $first: Int!, $after: String, $at: DateTime) {
  invoice(id: $id, asOf: $at) { lineCount linePages(first: $first, after: $after) {
    edges { node { id } } pageInfo { hasNextPage endCursor } } } }"""


async def lines_in_pages(frontend: Frontend, first: int, at: str | None = None) -> list[str]:
    found: list[str] = []
    after, more = None, True
    while more:
        data = await frontend.data(PAGES, id=INVOICE, first=first, after=after, at=at)
        page = data["invoice"]["linePages"]
        found += [edge["node"]["id"] for edge in page["edges"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert len(found) == data["invoice"]["lineCount"]
    return found


async def test_lines_are_read_page_by_page_in_the_order_of_the_invoice(either_side: ReadSide) -> None:
    """Each once, those of the newest rating, and as of an instant those of the rating of then."""
    contexts, frontend = Contexts(), Frontend(stores_of(either_side))
    await a_customer(contexts, "ada")
    await drafted(contexts)
    await rated(contexts, 230, day(2))
    await deliver(contexts, either_side.projector, either_side.store)
    await rated(contexts, 7, day(3))
    await finalized(contexts, 7, day(4))
    await deliver(contexts, either_side.projector, either_side.store)
    assert await lines_in_pages(frontend, 3) == [f"{INVOICE}/{number}" for number in range(1, 8)]
    then = await lines_in_pages(frontend, 100, day(2.5).isoformat())
    assert then == [f"{INVOICE}/{number}" for number in range(1, 231)]
    assert await lines_in_pages(frontend, 100, day(1.5).isoformat()) == []


LISTED = (
    """{ invoices { edges { node { number lines { id quantity amount { minor } steps { quantity } } } } } }"""
)


@pytest.mark.parametrize(("count", "refused"), [(0, False), (1, False), (100, False), (101, True)])
async def test_all_lines_come_with_the_invoice_or_none_do(
    either_side: ReadSide, count: int, refused: bool
) -> None:
    """Never a part that looks like the whole: beyond 100 the field is null, with a reason."""
    contexts, frontend = Contexts(), Frontend(stores_of(either_side))
    await drafted(contexts)
    await rated(contexts, count, day(2))
    await finalized(contexts, count, day(3))
    await deliver(contexts, either_side.projector, either_side.store)
    response = await frontend.execute(LISTED)
    [node] = [edge["node"] for edge in response["data"]["invoices"]["edges"]]
    assert node["number"] == "INV-000001"
    codes = [error["extensions"]["code"] for error in response.get("errors", [])]
    if refused:
        assert (node["lines"], codes) == (None, ["lines-need-pages"])
    else:
        assert [int(one["quantity"]) for one in node["lines"]] == list(range(1, count + 1))
        assert codes == []


def test_a_large_event_is_decoded_item_by_item() -> None:
    """It is equal to the event that is decoded at once; a damaged item is found when it is read."""
    lines = tuple(map(line, range(1000)))
    event = InvoiceLinesRated(invoice_id=INVOICE, lines=lines, reading_id=None, rated_at=day(1))
    state = CONTRACTS.encode(event)
    assert len(state) > LARGE_BYTES
    found: Any = decode_event(event.wire_name, state)
    assert isinstance(found.lines, DecodedOnDemand)
    assert (len(found.lines), tuple(found.lines), found.lines[1:3]) == (1000, lines, list(lines[1:3]))
    assert (found.invoice_id, found.reading_id, found.rated_at) == (INVOICE, None, day(1))
    damaged: Any = decode_event(event.wire_name, state.replace(b'"quantity":"7"', b'"quantity":{}', 1))
    with pytest.raises(EventIsUnreadable):
        list(damaged.lines)
    with pytest.raises(EventIsUnreadable):
        decode_event(event.wire_name, state[:-1])


async def longest_slice(work: Callable[[], Awaitable[Any]]) -> float:
    """The largest processor time of this thread between two turns of a task that always wants to run."""
    slices: list[float] = []

    async def probe() -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            slices.append(now - before)
            before = now

    task = asyncio.create_task(probe())
    try:
        await work()
    finally:
        task.cancel()
    return max(slices)


@pytest.fixture
def collected_like_a_service() -> Iterator[None]:
    """The garbage collector as every service process sets it."""
    before = gc.get_threshold()
    tune_garbage_collector()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collected_like_a_service")
async def test_an_invoice_of_40_000_lines_never_holds_the_event_loop(postgres_side: PostgresReadSide) -> None:
    """Projecting it, listing it, paging it, its past, and building its table again."""
    contexts, frontend = Contexts(), Frontend(stores_of(postgres_side))
    await drafted(contexts)
    await rated(contexts, MANY, day(2))
    await finalized(contexts, MANY, day(3))
    listed = "{ invoices(first: 100) { edges { node { number status total { minor } } } } }"

    async def rebuild() -> None:
        async with postgres_side.pool.acquire() as connection:
            for model in (INVOICES, INVOICE_LINES):
                await connection.execute(f"DROP TABLE live.{model.table}")
        await build_missing_tables(postgres_side.dsn, [INVOICES, INVOICE_LINES])

    async def past() -> None:
        await frontend.data(PAGES, id=INVOICE, first=100, at=day(9).isoformat())

    works: dict[str, Callable[[], Awaitable[Any]]] = {
        "project": lambda: deliver(contexts, postgres_side.projector, postgres_side.store),
        "list": lambda: frontend.data(listed),
        "page": lambda: frontend.data(PAGES, id=INVOICE, first=100),
        "past": past,
        "rebuild": rebuild,
    }
    slices = {name: await longest_slice(work) for name, work in works.items()}
    assert {name: cpu_s for name, cpu_s in slices.items() if cpu_s > SLICE_CPU_S} == {}, slices


DISCOUNTS = """query($id: ID!) { invoice(id: $id) {
  subtotal { minor } discount { minor } total { minor } discounts { discountId name percent amount { minor } }
  lines { amount { minor } discounts { discountId amount { minor } } } } }"""


async def test_discounts_are_shown_on_the_invoice_and_on_its_lines(either_side: ReadSide) -> None:
    """On the draft already; the discount of the whole is there once it is a document."""
    contexts, frontend = Contexts(), Frontend(stores_of(either_side))
    await a_customer(contexts, "ada")
    await drafted(contexts)
    off = InvoiceDiscount(discount_id="cpn_1", name="Spring", amount=dollars(3), percent=Decimal(30))
    part = LineDiscount(discount_id="cpn_1", amount=dollars(3))
    lines = (msgspec.structs.replace(line(10), discounts=(part,)),)
    rated = InvoiceLinesRated(
        invoice_id=INVOICE, lines=lines, reading_id=None, rated_at=day(2), discounts=(off,)
    )
    await contexts.publish("invoicing", INVOICE, rated, at=day(2))
    await deliver(contexts, either_side.projector, either_side.store)
    draft = (await frontend.data(DISCOUNTS, id=INVOICE))["invoice"]
    assert draft["discounts"] == [
        {"discountId": "cpn_1", "name": "Spring", "percent": "30", "amount": {"minor": 3}}
    ]
    assert draft["discount"] is None
    assert draft["lines"] == [
        {"amount": {"minor": 10}, "discounts": [{"discountId": "cpn_1", "amount": {"minor": 3}}]}
    ]
    document = InvoiceFinalized(
        invoice_id=INVOICE, customer_id=ADA, subscription_id=None, number="INV-000001",
        lines=lines, taxes=(), subtotal=dollars(10), tax=dollars(0), total=dollars(7), amount_due=dollars(7),
        finalized_at=day(3), discounts=(off,),
    )  # fmt: skip
    await contexts.publish("invoicing", INVOICE, document, at=day(3))
    await deliver(contexts, either_side.projector, either_side.store)
    final = (await frontend.data(DISCOUNTS, id=INVOICE))["invoice"]
    assert [final[name]["minor"] for name in ("subtotal", "discount", "total")] == [10, 3, 7]
    assert final["discounts"] == draft["discounts"]
