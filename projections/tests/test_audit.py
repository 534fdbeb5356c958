"""The audit reports every edit of stored data, and nothing where nothing was edited."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest

from projections.audit.memory import memory_snapshot
from projections.audit.port import AuditSnapshot
from projections.audit.postgres import postgres_snapshot
from projections.audit.report import AuditReport
from projections.audit.verify import verify
from projections.engine.cache.cached_row_store import encode_row
from projections.engine.postgres.build_tables import build_missing_tables
from projections.engine.read_model import AnyModel
from projections.read_models.balances.projection import BALANCES
from projections.register import READ_MODELS
from projections.tests.conftest import PostgresReadSide, ReadSide
from projections.tests.scenarios import (
    ADA,
    ADA_OWES,
    BOB,
    CONSUMER,
    PARTITIONS,
    TENANT,
    Contexts,
    MemoryReadSide,
    a_customer,
    a_payment,
    a_year_in_short,
    an_invoice,
    day,
    deliver,
    dollars,
    some_usage,
)
from projections.tests.test_cached_rows import MemoryCache
from shared.billing.contracts import decode
from shared.billing.contracts.ingest.usage import UsageEvent, UsageRecorded
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDiscount,
    InvoiceFinalized,
    InvoiceLine,
    LineDiscount,
)
from shared.billing.contracts.invoicing.number_series import InvoiceNumberAssigned
from shared.billing.contracts.metering.meters import MeterDefined, UnreadableUsageFound
from shared.billing.contracts.metering.readings import MeterQuantity, UsageReadingTaken
from shared.billing.contracts.metering.usage_totals import UsageAggregated, UsageWindow
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanceStarted
from shared.billing.period import Period
from shared.framework.eventstore.contracts import encode
from shared.framework.eventstore.records import EventRecord


@pytest.fixture
async def contexts() -> Contexts:
    contexts = Contexts()
    await a_year_in_short(contexts)
    return contexts


@asynccontextmanager
async def snapshot_of(side: ReadSide) -> AsyncIterator[AuditSnapshot]:
    if isinstance(side, MemoryReadSide):
        async with memory_snapshot(side.store, CONSUMER) as memory:
            yield memory
    else:
        async with postgres_snapshot(side.dsn, CONSUMER) as postgres:
            yield postgres


async def audited(side: ReadSide, contexts: Contexts) -> AuditReport:
    async with snapshot_of(side) as snapshot:
        return await verify(snapshot, contexts.feeds, PARTITIONS)


def named(report: AuditReport) -> set[str]:
    return {difference.where for difference in report.differences}


def edit(
    contexts: Contexts, context: str, choose: Callable[[EventRecord], bool], **changed: Any
) -> EventRecord:
    """Change one stored record, as a person with access to the database could."""
    records: list[EventRecord] = contexts.stores[context]._records
    [number] = [number for number, record in enumerate(records) if choose(record)]
    records[number] = replace(records[number], **changed)
    contexts.stores[context]._feeds.clear()
    return records[number]


def rewritten(contexts: Contexts, context: str, event_type: type[Any], **fields: Any) -> EventRecord:
    """Change one event's content: it decodes as well as before."""
    records: Sequence[EventRecord] = contexts.stores[context]._records
    record = next(record for record in records if record.wire_name == event_type.wire_name)
    event: Any = decode(record.wire_name, record.state)
    state = encode(
        type(event)(**{**{name: getattr(event, name) for name in event.__struct_fields__}, **fields})
    )
    return edit(contexts, context, lambda other: other is record, state=state)


async def test_nothing_is_found_where_nothing_is_wrong(either_side: ReadSide, contexts: Contexts) -> None:
    """And everything was looked at: every row and every event is counted."""
    await deliver(contexts, either_side.projector, either_side.store)
    report = await audited(either_side, contexts)
    assert [str(difference) for difference in report.differences] == []
    published = {context: len(await store.read_stable(0, 1000)) for context, store in contexts.stores.items()}
    assert report.events == published
    assert report.rows["invoices"] == 4
    assert all(report.rows.values())


async def test_an_audit_says_what_it_does(either_side: ReadSide) -> None:
    """How many events of each context are read so far, then which read model is compared."""
    contexts, said = Contexts(), list[str]()
    await a_year_in_short(contexts)
    await deliver(contexts, either_side.projector, either_side.store)
    async with snapshot_of(either_side) as snapshot:
        report = await verify(snapshot, contexts.feeds, PARTITIONS, progress=said.append)
    assert f"events of invoicing read: {report.events['invoicing']}" in said
    counts = [int(one.rpartition(" ")[2]) for one in said if one.startswith("events of invoicing")]
    assert counts == sorted(counts)
    assert [one for one in said if one.startswith("comparing")][:-1] == [
        f"comparing {model.name}" for model in READ_MODELS
    ]


async def test_an_audit_leaves_nothing_behind_and_can_be_repeated(
    either_side: ReadSide, contexts: Contexts
) -> None:
    """What it rebuilds lies beside and is thrown away; the digests are the same each time."""
    await deliver(contexts, either_side.projector, either_side.store)
    first = await audited(either_side, contexts)
    assert (await audited(either_side, contexts)).digests == first.digests
    if isinstance(either_side, PostgresReadSide):
        left = await either_side.pool.fetch("SELECT 1 FROM pg_tables WHERE schemaname = 'beside'")
        assert list(left) == []


async def test_facts_that_were_not_heard_yet_are_not_missed(
    either_side: ReadSide, contexts: Contexts
) -> None:
    """A read side that lags is late, not wrong: it is compared as of where it stands."""
    await deliver(contexts, either_side.projector, either_side.store)
    await an_invoice(contexts, ADA, 8, 5_00, day(90))
    assert (await audited(either_side, contexts)).ok


EDITS = (
    "doc = doc || '{\"edited\": true}'",
    "revision = revision + 1",
    "updated_at = updated_at + interval '1 microsecond'",
    "sort_at = sort_at + interval '1 microsecond'",
    "position = position + 1",
    "id = id || '!'",
)


@pytest.mark.parametrize(("number", "model"), list(enumerate(READ_MODELS)), ids=lambda part: str(part)[:1])
async def test_one_row_edited_by_hand_is_named(
    postgres_side: PostgresReadSide, contexts: Contexts, number: int, model: AnyModel
) -> None:
    """Whichever model it is in, and whatever was changed about it; and a row that is gone is missed."""
    await deliver(contexts, postgres_side.projector, postgres_side.store)
    owner: Any = await asyncpg.connect(postgres_side.owner_dsn)
    table, change = f"live.{model.table}", EDITS[number % len(EDITS)]
    key = await owner.fetchrow(f"SELECT tenant_id, id FROM {table} ORDER BY tenant_id, id LIMIT 1")
    await owner.execute(f"UPDATE {table} SET {change} WHERE tenant_id = $1 AND id = $2", *key)
    report = await audited(postgres_side, contexts)
    found = {(d.tenant_id, d.what.rstrip("!")) for d in report.differences if d.where == model.name}
    assert found == {tuple(key)}
    await owner.execute(f"DELETE FROM {table} WHERE tenant_id = $1 AND id LIKE $2 || '%'", *key)
    report = await audited(postgres_side, contexts)
    assert [d.what for d in report.differences if d.where == model.name] == [key["id"]]
    await owner.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history_mentions SET customer_id = customer_id || '!'",
        "DELETE FROM history_mentions",
        "UPDATE freshness SET occurred_at = occurred_at + interval '1 day'",
        "UPDATE history SET state = state || ' ' WHERE context = 'payments'",
        "UPDATE history SET recorded_at = recorded_at - interval '1 second' WHERE context = 'payments'",
        "DELETE FROM history WHERE context = 'metering' AND position = 2",
    ],
)
async def test_edits_of_what_finds_and_proves_rows_are_found(
    postgres_side: PostgresReadSide, contexts: Contexts, statement: str
) -> None:
    """Every table of the read side is compared, not only those that are shown."""
    await deliver(contexts, postgres_side.projector, postgres_side.store)
    owner: Any = await asyncpg.connect(postgres_side.owner_dsn)
    await owner.execute(statement)
    await owner.close()
    assert not (await audited(postgres_side, contexts)).ok


@pytest.mark.parametrize(
    ("context", "event_type", "fields"),
    [
        ("invoicing", InvoiceFinalized, {"number": "INV-000009"}),
        ("invoicing", InvoiceNumberAssigned, {"number": "INV-000009"}),
        ("payments", PaymentSucceeded, {"amount": dollars(9_99)}),
        ("ingest", UsageRecorded, {"events": ()}),
    ],
)
async def test_an_event_that_was_edited_in_its_store_is_named(
    contexts: Contexts, context: str, event_type: type[Any], fields: dict[str, Any]
) -> None:
    """By context, position and stream, even though it reads as well as before."""
    side = MemoryReadSide()
    await deliver(contexts, side.projector, side.store)
    record = rewritten(contexts, context, event_type, **fields)
    report = await audited(side, contexts)
    place = f"position {record.position}, stream {record.stream_id} version {record.version}"
    assert place in {d.what for d in report.differences if d.where == f"events of {context}"}


@pytest.mark.parametrize("context", ["ingest", "metering", "subscriptions", "invoicing", "payments"])
async def test_bytes_that_are_no_event_any_more_are_named_too(contexts: Contexts, context: str) -> None:
    """Damage must not stop the audit that looks for it."""
    side = MemoryReadSide()
    await deliver(contexts, side.projector, side.store)
    record = edit(contexts, context, lambda record: record.position == 1, state=b"{")
    report = await audited(side, contexts)
    assert any(f"stream {record.stream_id}" in difference.what for difference in report.differences)


@pytest.mark.parametrize("change", [{"version": 5}, {"tenant_id": "thief"}, {"stream_id": "inv_forged"}])
async def test_an_event_that_was_moved_breaks_its_stream(contexts: Contexts, change: dict[str, Any]) -> None:
    """I7: versions are 1..n and every event is named by its place."""
    side = MemoryReadSide()
    await deliver(contexts, side.projector, side.store)
    edit(contexts, "invoicing", lambda record: record.position == 3, **change)
    assert "events of invoicing" in named(await audited(side, contexts))


async def test_an_invoice_that_was_paid_twice_is_found_even_if_everybody_agrees() -> None:
    """I4: the read side equals the published events, and these break the invariant."""
    contexts, side = Contexts(), MemoryReadSide()
    ada = await a_customer(contexts, "ada")
    invoice = await an_invoice(contexts, ada, 1, 10_00, day(1))
    paid = await a_payment(contexts, ada, invoice, 10_00, day(2))
    again = PaymentSucceeded(
        payment_id=paid,
        invoice_id=invoice,
        customer_id=ada,
        amount=dollars(10_00),
        gateway_reference="ch_2",
        succeeded_at=day(3),
    )
    await contexts.publish("payments", paid, again, at=day(3))
    await deliver(contexts, side.projector, side.store)
    assert {"payments", "balance sums"} <= named(await audited(side, contexts))


OFF = InvoiceDiscount(discount_id="cpn_1", name="Spring", amount=dollars(3_00))


@pytest.mark.parametrize(
    ("parts", "totals", "wrong"),
    [
        ([3_00], 7_00, None),
        ([2_00], 7_00, "discount cpn_1"),
        ([3_00], 10_00, "total"),
        ([13_00, -10_00], 7_00, "discount of line 1, discount of line 2"),
    ],
)
async def test_a_discount_that_is_not_the_sum_of_its_parts_is_found(
    parts: list[int], totals: int, wrong: str | None
) -> None:
    """A line is reduced by no more than its amount, and the total by what the lines are."""
    contexts, side = Contexts(), MemoryReadSide()
    ada = await a_customer(contexts, "ada")
    await an_invoice(contexts, ada, 1, 10_00, day(1))
    lines = tuple(
        InvoiceLine(
            line_id=str(number),
            charge_key="calls",
            description="Calls",
            quantity=Decimal(1),
            amount=dollars(10_00 if number == 1 else 0),
            discounts=(LineDiscount(discount_id="cpn_1", amount=dollars(part)),),
        )
        for number, part in enumerate(parts, start=1)
    )
    total = dollars(totals)
    changed: dict[str, Any] = {"lines": lines, "discounts": (OFF,), "total": total, "amount_due": total}
    rewritten(contexts, "invoicing", InvoiceFinalized, **changed)
    await deliver(contexts, side.projector, side.store)
    found = [d.detail for d in (await audited(side, contexts)).differences if d.where == "invoice sums"]
    assert found == ([] if wrong is None else [f"{wrong} is not the sum of its parts"])


async def test_a_number_that_was_given_twice_is_found() -> None:
    """I5: two documents of one number are two claims for the same money."""
    contexts, side = Contexts(), MemoryReadSide()
    ada = await a_customer(contexts, "ada")
    await an_invoice(contexts, ada, 1, 10_00, day(1))
    again = InvoiceNumberAssigned(
        series="default", number="INV-000001", invoice_id="inv_x", assigned_at=day(2)
    )
    await contexts.publish("invoicing", f"ser_{TENANT}", again, at=day(2))
    await deliver(contexts, side.projector, side.store)
    assert "invoice numbers" in named(await audited(side, contexts))


@pytest.mark.parametrize("excused", [False, True])
async def test_a_number_that_is_dated_before_the_one_before_it_is_found(excused: bool) -> None:
    """I5; not if its test clock has only ever jumped, as in an installation from before."""
    contexts, side = Contexts(), MemoryReadSide()
    ada = await a_customer(contexts, "ada")
    if not excused:
        leap = TestClockAdvanceStarted(now=day(1), target=day(9))
        await contexts.publish("subscriptions", "clk_1", leap, at=day(1))
    await an_invoice(contexts, ada, 1, 10_00, day(3))
    await an_invoice(contexts, ada, 2, 10_00, day(2))
    for record in contexts.stores["invoicing"]._records:
        changed = msgspec.structs.replace(record.metadata, test_clock=True)
        contexts.stores["invoicing"]._records[record.position - 1] = replace(record, metadata=changed)
    await deliver(contexts, side.projector, side.store)
    found = [d.detail for d in (await audited(side, contexts)).differences if d.where == "invoice dates"]
    assert [detail[:16] for detail in found] == ([] if excused else [f"dated {day(2):%Y-%m-%d}"])


async def test_usage_that_was_counted_twice_or_lost_is_found() -> None:
    """I2: a daily total that is not the number of accepted events."""
    contexts, side = Contexts(), MemoryReadSide()
    await some_usage(contexts, "ada", 10)
    await deliver(contexts, side.projector, side.store)
    assert (await audited(side, contexts)).ok
    events = tuple(decode_batch(contexts).events[:9])
    rewritten(contexts, "ingest", UsageRecorded, events=events)
    counts = [d for d in (await audited(side, contexts)).differences if d.where == "usage counts"]
    assert [difference.detail for difference in counts] == ["counted 10; accepted 9"]


USED = [
    {"region": "eu", "gb": 1.5},
    {"region": 1, "gb": "1e-40"},
    {"region": "1", "gb": 2},
    {"region": {"a": 1}, "gb": 3},
    {"region": "us"},
]
TRANSFERS: Sequence[tuple[str, str, str | None, dict[str, tuple[str, ...]], dict[str, str], int]] = (
    # key, aggregation, value_path, filter, total by region, number of unreadable events
    ("by-region", "count", None, {}, {"eu": "1", "1": "2", "us": "1"}, 1),
    ("gb-by-region", "sum", "gb", {}, {"eu": "1.5", "1": "2" + "." + "0" * 39 + "1"}, 2),
    ("most-by-region", "max", "gb", {}, {"eu": "1.5", "1": "2"}, 2),
    ("sizes", "unique_count", "gb", {"region": ("1", "us")}, {"1": "2"}, 1),
)


async def transfers(contexts: Contexts, **wrong: int | str) -> MemoryReadSide:
    """A read side of meters with groups and filters, whose totals are right but for those in `wrong`."""
    events = tuple(
        UsageEvent(id=f"{n}", source="s", type="transfer", subject="ada", time=day(3), data=raw(data))
        for n, data in enumerate(USED)
    )
    batch = UsageRecorded(batch_id="ub_1", accepted_at=day(3), events=events)
    await contexts.publish("ingest", batch.batch_id, batch, at=day(3))
    for key, aggregation, value_path, only, totals, unreadable in TRANSFERS:
        meter = MeterDefined(
            meter_id=f"mtr_{key}",
            key=key,
            event_type="transfer",
            aggregation=aggregation,
            value_path=value_path,
            group_by=("region",),
            filter=only,
            defined_at=day(4),
        )
        found = UnreadableUsageFound(
            meter_id=meter.meter_id,
            meter_key=key,
            unreadable_count=int(wrong.get(f"{key} unreadable", unreadable)),
            reason="group-not-scalar",
            path="region",
            source="s",
            event_id="3",
            subject="ada",
            time=day(3),
            found_at=day(4),
        )
        windows = tuple(
            UsageWindow(
                meter_key=key,
                subject="ada",
                dimensions={"region": region},
                day=day(3).date().isoformat(),
                value=Decimal(wrong.get(f"{key} {region}", value)),
            )
            for region, value in totals.items()
        )
        aggregated = UsageAggregated(windows=windows, aggregated_at=day(4))
        await contexts.publish("metering", meter.meter_id, meter, found, at=day(4))
        await contexts.publish("metering", f"agg_{key}", aggregated, at=day(4))
    side = MemoryReadSide()
    await deliver(contexts, side.projector, side.store)
    return side


def raw(data: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(data).encode())


async def test_what_meters_cannot_read_is_no_difference() -> None:
    """I2: counted and unreadable are what was accepted, per meter and group; a meter counts the past too."""
    contexts = Contexts()
    assert [str(one) for one in (await audited(await transfers(contexts), contexts)).differences] == []


@pytest.mark.parametrize(
    ("wrong", "what", "detail"),
    [
        ({"by-region 1": 1}, "by-region, subject ada, region=1, ", "counted 1; accepted 2"),
        ({"gb-by-region eu": "1.4"}, "gb-by-region, subject ada, region=eu, ", "counted 1.4; accepted 1.5"),
        ({"most-by-region 1": 3}, "most-by-region, subject ada, region=1, ", "counted 3; accepted 2"),
        ({"sizes 1": 3}, "sizes, subject ada, region=1, ", "counted 3; accepted 2"),
        ({"sizes 1": 0}, "sizes, subject ada, region=1, ", "counted 0; accepted 2"),
        ({"by-region unreadable": 0}, "by-region", "unreadable 0; accepted and unreadable 1"),
        ({"sizes unreadable": 2}, "sizes", "unreadable 2; accepted and unreadable 1"),
    ],
)
async def test_usage_that_is_neither_counted_nor_unreadable_is_found(
    wrong: dict[str, int | str], what: str, detail: str
) -> None:
    """I2: of meters with groups, filters and values too."""
    contexts = Contexts()
    (found,) = (await audited(await transfers(contexts, **wrong), contexts)).differences
    assert (found.where, found.detail) == ("usage counts", detail)
    assert found.what.startswith(f"meter {what}")


@pytest.mark.parametrize(
    ("aggregation", "quantity", "parts", "is_right"),
    [
        ("sum", 7, (3, 4), True),
        ("sum", 7, (3, 5), False),
        ("count", 2, (1, 1), True),
        ("count", 3, (1, 1), False),
        ("max", 4, (3, 4), True),
        ("max", 7, (3, 4), False),
        ("unique_count", 5, (3, 4), True),
        ("unique_count", 3, (3, 4), False),
        ("unique_count", 8, (3, 4), False),
    ],
)
async def test_parts_of_a_reading_that_do_not_make_up_its_quantity_are_named(
    aggregation: str, quantity: int, parts: tuple[int, ...], is_right: bool
) -> None:
    """I2: totals are read from sums and the values of events from points, so each checks the other."""
    contexts = Contexts()
    meter = MeterDefined(
        meter_id="mtr_gb",
        key="gb",
        event_type="transfer",
        aggregation=aggregation,
        value_path=None,
        group_by=(),
        filter={},
        defined_at=day(1),
    )
    read = MeterQuantity(
        meter_key="gb",
        dimensions={},
        quantity=Decimal(quantity),
        detail="events",
        parts=tuple(map(Decimal, parts)),
    )
    reading = UsageReadingTaken(
        reading_id="rdg_1",
        subscription_id="sub_1",
        customer_id=BOB,
        subject="bob",
        period=Period(day(1), day(2)),
        quantities=(read, MeterQuantity(meter_key="gb", dimensions={}, quantity=Decimal(99))),
        cutoff_partition=0,
        cutoff_position=0,
        taken_at=day(2),
    )
    await contexts.publish("metering", meter.meter_id, meter, at=day(1))
    await contexts.publish("metering", reading.reading_id, reading, at=day(2))
    side = MemoryReadSide()
    await deliver(contexts, side.projector, side.store)
    found = (await audited(side, contexts)).differences
    assert [(one.where, one.what) for one in found] == (
        [] if is_right else [("readings", "rdg_1, meter gb, events")]
    )


def decode_batch(contexts: Contexts) -> UsageRecorded:
    record = contexts.stores["ingest"]._records[0]
    event = decode(record.wire_name, record.state)
    assert isinstance(event, UsageRecorded)
    return event


async def test_a_hot_balance_that_is_not_its_row_is_named(contexts: Contexts) -> None:
    """The copy is compared too; what it lacks is only slow."""
    side, cache = MemoryReadSide(), MemoryCache()
    await deliver(contexts, side.projector, side.store)
    stored = (await side.rows.load(BALANCES, [(TENANT, ADA_OWES)]))[TENANT, ADA_OWES]
    wrong = replace(stored, row=type(stored.row)(customer_id=BOB, currency="USD", since=day(0), billed=1))
    for copy, expected in ((stored, []), (wrong, [ADA_OWES])):
        cache.documents = {(BALANCES.table, *stored.key): (1, encode_row(copy))}
        async with snapshot_of(side) as snapshot:
            report = await verify(snapshot, contexts.feeds, PARTITIONS, cache)
        assert [d.what for d in report.differences if d.where == "cached balances"] == expected


async def test_the_owner_of_the_database_may_audit_what_the_process_has_made(
    app_dsn: str, database_url: str
) -> None:
    """The front door audits with the owner's rights, and the owner is no superuser."""
    await build_missing_tables(app_dsn, READ_MODELS)
    admin: Any = await asyncpg.connect(database_url)
    granted = await admin.fetch(
        "SELECT 1 FROM information_schema.role_table_grants"
        " WHERE table_schema = 'live' AND privilege_type = 'SELECT'"
        " AND grantee = (SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'live')"
    )
    assert len(granted) == len(READ_MODELS)
    await admin.close()
