"""Each event counts once, and nothing that was said gets lost."""

import random
from datetime import UTC, datetime, timedelta

import msgspec

from services.ingest.acceptance.handlers import Submission, UsageAcceptance
from services.ingest.acceptance.memory import MemoryDeduplicationStore
from services.ingest.acceptance.outcome import IngestResult
from services.ingest.events.validation import RejectionCode
from services.ingest.formats.cloudevents_json import read_batch
from services.ingest.metered_types.memory import MemoryMeteredTypes
from services.ingest.tests.usage_events import NOON, body, event
from shared.billing.contracts import CONTRACTS, decode
from shared.billing.contracts.ingest.rejected_events import UsageRejected
from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import ChangeSet, ClockChange
from shared.framework.testing.fakes import FakeClock, SequentialIds


class Scenario:
    def __init__(self) -> None:
        self.clock = FakeClock(NOON)
        self.store = MemoryEventStore("ingest", self.clock, CONTRACTS)
        self.deduplication = MemoryDeduplicationStore(self.store)
        self.acceptance = UsageAcceptance(
            self.store,
            self.deduplication,
            MemoryMeteredTypes(self.store),
            self.clock,
            SequentialIds(),
            partitions=4,
        )

    async def submit(self, *events: object, tenant: str = "nyc", actor: str = "agent") -> IngestResult:
        (result,) = await self.acceptance.accept([submission(*events, tenant=tenant, actor=actor)])
        return result

    async def published(self) -> list[UsageRecorded | UsageRejected]:
        records = await self.store.read_stable(0, 1000)
        events = [decode(record.wire_name, record.state) for record in records]
        return [event for event in events if isinstance(event, UsageRecorded | UsageRejected)]

    async def counted(self) -> list[str]:
        recorded = [event for event in await self.published() if isinstance(event, UsageRecorded)]
        return [usage.id for batch in recorded for usage in batch.events]


def submission(*events: object, tenant: str = "nyc", actor: str = "agent") -> Submission:
    return Submission(tenant, actor, "req_1", None, read_batch(body(*events)), 1)


async def test_a_batch_of_sound_events_becomes_one_row() -> None:
    """The batch is what is stored and published; its position is told."""
    scenario = Scenario()
    result = await scenario.submit(event(id="a"), event(id="b"))
    assert (result.accepted, result.results) == (2, ())
    (record,) = await scenario.store.read_stable(0, 10)
    assert (result.partition, result.position) == (partition_of(record.slot, 4), record.position)
    assert record.slot == slot_of("nyc")
    assert await scenario.counted() == ["a", "b"]


async def test_what_is_stored_is_what_was_said_exactly() -> None:
    """Numbers keep every digit, times become UTC, keys get an order."""
    scenario = Scenario()
    text = body(event(time="2026-03-01T11:30:00+05:30")).replace(b"1400", b"0.12345678901234567890")
    await scenario.acceptance.accept([Submission("nyc", "agent", "req_1", None, read_batch(text), 1)])
    (recorded,) = await scenario.published()
    assert isinstance(recorded, UsageRecorded)
    (usage,) = recorded.events
    assert usage.data == msgspec.Raw(b'{"miles":0.12345678901234567890,"tail":"N14228"}')
    assert usage.time == datetime(2026, 3, 1, 6, tzinfo=UTC)


async def test_a_repeat_is_no_second_event() -> None:
    """In the same request, in the next one, or with its keys in another order."""
    scenario = Scenario()
    first = await scenario.submit(event(), event())
    again = await scenario.submit(event(data={"tail": "N14228", "miles": 1400}))
    assert (first.accepted, first.duplicates, again.duplicates) == (1, 1, 1)
    assert [each.status for each in (*first.results, *again.results)] == ["duplicate", "duplicate"]
    assert await scenario.counted() == ["e1"]
    assert again.position >= first.position


async def test_another_payload_under_the_same_id_is_a_conflict_that_is_kept_and_not_counted() -> None:
    """Which of the two is right is for people to say; the first one stays billed."""
    scenario = Scenario()
    await scenario.submit(event())
    result = await scenario.submit(event(data={"miles": 1}), event(id="e2"))
    assert (result.accepted, result.conflicts) == (1, 1)
    (event_result,) = result.results
    assert (event_result.index, event_result.status, event_result.reason) == (
        0,
        "conflict",
        RejectionCode.ID_CONFLICTS,
    )
    (row,) = await scenario.deduplication.rejected("nyc", 0, 10)
    assert (row.event.reason, row.event.id) == ("id-conflict", "e1")
    assert '"miles":1' in row.event.body
    assert await scenario.counted() == ["e1", "e2"]


async def test_identity_is_tenant_source_id_and_utc_day() -> None:
    """Billing rule 16: within the event's own day an id is unique for ever; elsewhere it is another event."""
    scenario = Scenario()
    others = [event(), event(source="/gate/8"), event(id="e2"), event(time="2026-02-28T23:59:59Z")]
    assert (await scenario.submit(*others)).accepted == 4
    assert (await scenario.submit(event(), tenant="bos")).accepted == 1
    # Half past midnight in Kolkata is still the day before in UTC: the same day, another content.
    assert (await scenario.submit(event(time="2026-03-01T00:30:00+05:30"))).conflicts == 1


async def test_lengths_keep_names_apart() -> None:
    """`ab` + `c` is not `a` + `bc`."""
    scenario = Scenario()
    assert (await scenario.submit(event(source="ab", id="c"), event(source="a", id="bc"))).accepted == 2


async def test_rejected_events_are_history_too() -> None:
    """They were said; who said them wants to see and repair them."""
    scenario = Scenario()
    late, early = "2026-03-01T12:05:01Z", "2005-03-01T00:00:00Z"
    result = await scenario.submit(
        event(time=late), {"id": "x"}, event(time=early), event(time="2026-03-01T12:05:00Z")
    )
    assert (result.accepted, result.rejected) == (1, 3)
    assert [(r.index, r.reason) for r in result.results] == [
        (0, RejectionCode.TIME_IS_IN_THE_FUTURE),
        (1, RejectionCode.ATTRIBUTE_IS_MISSING),
        (2, RejectionCode.TIME_IS_TOO_OLD),
    ]
    rejected = [event for event in await scenario.published() if isinstance(event, UsageRejected)]
    assert {event.reason for event in rejected[0].events} == {each.reason for each in result.results}
    assert len(await scenario.deduplication.rejected("nyc", 0, 10)) == 3
    assert await scenario.deduplication.rejected("bos", 0, 10) == []


async def test_an_event_without_time_happened_when_it_was_accepted() -> None:
    """Sent again later the same day it is a repeat all the same."""
    scenario = Scenario()
    assert (await scenario.submit(event(time=None))).accepted == 1
    scenario.clock.move(timedelta(hours=2))
    assert (await scenario.submit(event(time=None))).duplicates == 1


async def test_a_test_clock_decides_what_is_the_future() -> None:
    """A tenant that plays through 2013 reports the usage of 2013, and its facts carry that date."""
    scenario = Scenario()
    then = datetime(2013, 6, 1, tzinfo=UTC)
    await scenario.store.commit(ChangeSet(clocks={"nyc": ClockChange(then)}))
    result = await scenario.submit(event(time="2013-05-31T10:00:00Z"), event(id="e2"))
    assert (result.accepted, result.rejected) == (1, 1)
    (record, _) = await scenario.store.read_stable(0, 10)
    assert record.metadata.test_clock
    assert record.metadata.occurred_at == then


async def test_requests_share_a_transaction_and_keep_their_own_verdicts() -> None:
    """Per tenant and actor there is one batch, and the first of equals wins across requests."""
    scenario = Scenario()
    results = await scenario.acceptance.accept(
        [
            submission(event(id="a"), event(id="b")),
            submission(event(id="b"), event(id="c")),
            submission(event(id="a"), tenant="bos"),
            submission(event(id="d"), actor="other"),
        ]
    )
    assert [(v.accepted, v.duplicates) for v in results] == [(2, 0), (1, 1), (1, 0), (1, 0)]
    records = await scenario.store.read_stable(0, 10)
    assert [(r.tenant_id, r.metadata.actor) for r in records] == [
        ("nyc", "agent"),
        ("bos", "agent"),
        ("nyc", "other"),
    ]


async def test_any_order_and_any_repetition_of_requests_counts_the_same_events() -> None:
    """Clients retry, proxies duplicate, and networks shuffle."""
    dice = random.Random(7)
    events = [event(id=f"e{n}", time=f"2026-02-{1 + n % 28:02}T00:00:00Z") for n in range(200)]
    scenario = Scenario()
    accepted = 0
    for _ in range(60):
        result = await scenario.submit(*dice.choices(events, k=20))
        accepted += result.accepted
    result = await scenario.submit(*events)
    assert accepted + result.accepted == 200
    assert sorted(await scenario.counted()) == sorted(str(one["id"]) for one in events)
