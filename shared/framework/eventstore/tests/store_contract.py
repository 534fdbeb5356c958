"""Contract suite of event stores: streams and feeds. A subclass has the fixtures `store` and `notebook`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest

from shared.framework.core.event import Event
from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.contracts import EventIsNotRegistered
from shared.framework.eventstore.ports import Store, VersionConflict
from shared.framework.eventstore.records import (
    PAGE_BYTES_MAX,
    ChangeSet,
    EventRecord,
    SideWrite,
    StreamHistory,
)
from shared.framework.testing.store_examples import METADATA, STRANGER, TENANT, append, registered, write


class SideTable(Protocol):
    """A side table of the store under test."""

    def note_write(self, text: str) -> SideWrite:
        """A side write of this text."""

    async def notes(self) -> set[str]:
        """All committed texts."""


class EventStreamContract:
    """Streams, versions, tenants, reading in order, and side writes."""

    async def test_a_stream_reads_as_it_was_written(self, store: Store) -> None:
        """Events come back equal and in order, and the version counts them."""
        await write(store, append("cus_1", registered("one"), registered("two")))
        await write(store, append("cus_1", registered("three"), expected=2))
        history = await store.load(TENANT, "cus_1")
        assert history.events == (registered("one"), registered("two"), registered("three"))
        assert history.version == await store.version(TENANT, "cus_1") == 3

    async def test_the_newest_event_of_a_stream_is_read_alone(self, store: Store) -> None:
        """With the version; of a stream that is not there, or of another tenant, nothing."""
        assert await store.newest(TENANT, "cus_1") == StreamHistory((), 0)
        await write(store, append("cus_1", registered("one"), registered("two")))
        assert await store.newest(TENANT, "cus_1") == StreamHistory((registered("two"),), 2)
        assert await store.newest(STRANGER, "cus_1") == StreamHistory((), 0)

    async def test_a_stream_that_is_not_there_is_empty(self, store: Store) -> None:
        """No event has this stream id."""
        assert (await store.load(TENANT, "cus_9")).version == await store.version(TENANT, "cus_9") == 0

    async def test_a_writer_who_read_an_old_version_conflicts(self, store: Store) -> None:
        """Two writers read version 1; the second to write must read again."""
        await write(store, append("cus_1"))
        await write(store, append("cus_1", expected=1))
        with pytest.raises(VersionConflict):
            await write(store, append("cus_1", expected=1))
        with pytest.raises(VersionConflict):
            await write(store, append("cus_1"))
        assert await store.version(TENANT, "cus_1") == 2

    async def test_a_stream_has_no_gaps(self, store: Store) -> None:
        """An append beyond the end is a conflict too, or version 3 could lack a version 2."""
        with pytest.raises(VersionConflict):
            await write(store, append("cus_1", expected=1))
        await write(store, append("cus_1"))
        with pytest.raises(VersionConflict):
            await write(store, append("cus_1", expected=2))

    async def test_of_many_writers_at_once_exactly_one_wins(self, store: Store) -> None:
        """The others write nothing at all."""
        ways = [write(store, append("cus_1"), append(f"own_{i}")) for i in range(12)]
        outcomes = await asyncio.gather(*ways, return_exceptions=True)
        assert sorted(type(o).__name__ for o in outcomes) == ["VersionConflict"] * 11 + ["tuple"]
        written = [await store.version(TENANT, f"own_{i}") for i in range(12)]
        assert sum(written) == await store.version(TENANT, "cus_1") == 1

    async def test_an_event_class_that_cannot_be_read_back_is_refused(self, store: Store) -> None:
        """Nothing of its commit is written."""

        class NotRegistered(Event, frozen=True, kw_only=True):
            wire_name = "subscriptions.note.torn.v1"

        with pytest.raises(EventIsNotRegistered):
            await write(store, append("cus_1"), append("cus_2", NotRegistered()))
        assert await store.version(TENANT, "cus_1") == 0
        assert await store.read_stable(0, 10) == []

    async def test_another_tenants_stream_is_not_there(self, store: Store) -> None:
        """Neither its events nor its version can be seen, and nothing can be put behind them."""
        await write(store, append("cus_1"))
        assert (await store.load(STRANGER, "cus_1")).version == 0
        assert (await store.load(STRANGER, "cus_1")).events == ()
        assert await store.version(STRANGER, "cus_1") == 0
        for expected in (0, 1):
            with pytest.raises(VersionConflict):
                await write(store, append("cus_1", tenant=STRANGER, expected=expected))

    async def test_streams_of_a_kind_are_listed_in_the_order_of_their_first_events(
        self, store: Store
    ) -> None:
        """Once each, however they grow, a page after the other; other kinds and tenants are left out."""
        firsts = [await write(store, append(f"cus_{name}")) for name in "cab"]
        await write(store, append("cusp_1"), append("plan_1"), append("cus_c", expected=1))
        await write(store, append("cus_theirs", tenant=STRANGER))
        listed = await store.streams(TENANT, "cus", 0, 10)
        assert [(one.stream_id, one.position) for one in listed] == [
            (at.stream_id, at.position) for (at,) in firsts
        ]
        assert await store.streams(TENANT, "cus", listed[0].position, 1) == listed[1:2]
        assert await store.streams(TENANT, "cus", listed[-1].position, 10) == []
        assert [one.stream_id for one in await store.streams(STRANGER, "cus", 0, 10)] == ["cus_theirs"]

    async def test_several_streams_grow_together(self, store: Store) -> None:
        """The receipt has the position of each event, in the order of the appends; positions grow."""
        await write(store, append("inv_1"))
        written = await write(
            store,
            append("run_1", registered("a"), registered("b")),
            append("inv_1", expected=1),
            append("run_1", expected=2),
        )
        assert [(at.stream_id, at.version) for at in written] == [
            ("run_1", 1), ("run_1", 2), ("inv_1", 2), ("run_1", 3),
        ]  # fmt: skip
        positions = [at.position for at in written]
        assert positions == sorted(set(positions))
        assert [at.slot for at in written] == [slot_of(at.stream_id) for at in written]

    async def test_a_conflict_in_one_stream_writes_none(self, store: Store) -> None:
        """A commit is atomic."""
        await write(store, append("inv_1"))
        with pytest.raises(VersionConflict):
            await write(store, append("run_1"), append("inv_1"), append("run_2"))
        assert await store.version(TENANT, "run_1") == await store.version(TENANT, "run_2") == 0
        assert len(await store.read_stable(0, 10)) == 1

    async def test_a_record_says_everything_about_its_event(self, store: Store) -> None:
        """An auditor needs no other table."""
        (at,) = await write(store, append("cus_1", slot_key="tenant-key"))
        (record,) = await store.read_stable(0, 10)
        assert (record.context, record.tenant_id, record.stream_id) == (store.context, TENANT, "cus_1")
        assert (record.version, record.position, record.slot) == (1, at.position, slot_of("tenant-key"))
        assert record.wire_name == "subscriptions.note.taken.v1"
        assert record.metadata == METADATA
        assert record.recorded_at.utcoffset() is not None

    async def test_history_is_read_in_pages_without_a_seam(self, store: Store) -> None:
        """Page by page or at once: the same records, by growing position."""
        for number in range(5):
            await write(store, append(f"cus_{number}", registered(), registered()))
        whole = list(await store.read_stable(0, 100))
        paged: list[EventRecord] = []
        after = 0
        while page := await store.read_stable(after, 3):
            paged += page
            after = page[-1].position
        assert paged == whole
        assert len(whole) == 10
        assert [r.position for r in whole] == sorted(r.position for r in whole)

    @pytest.mark.parametrize("partitions", [1, 4, 6])
    async def test_the_feeds_of_all_partitions_are_the_whole_history(
        self, store: Store, partitions: int
    ) -> None:
        """Each record is in the feed of its slot's partition, linked to the one before it there."""
        for number in range(20):
            await write(store, append(f"cus_{number}"))
        found = []
        for partition in range(partitions):
            page = await store.feed(partition, partitions, 0, 100)
            positions = [record.position for record in page.records]
            assert [record.previous for record in page.records] == [0, *positions][: len(positions)]
            assert page.head == max(positions, default=0)
            assert {partition_of(record.slot, partitions) for record in page.records} <= {partition}
            found += positions
        assert sorted(found) == [record.position for record in await store.read_stable(0, 100)]

    async def test_a_feed_goes_on_from_wherever_it_is_asked(self, store: Store) -> None:
        """From a position of the partition, or from one between two of them; the link is the same."""
        for number in range(12):
            await write(store, append(f"cus_{number}"))
        whole = (await store.feed(1, 2, 0, 100)).records
        assert len(whole) > 3
        for after in range(whole[-1].position + 1):
            page = await store.feed(1, 2, after, 2)
            rest = [record for record in whole if record.position > after]
            assert list(page.records) == rest[:2]
            assert page.head == whole[-1].position
        assert (await store.feed(1, 2, whole[-1].position, 2)).records == ()

    async def test_a_feed_tells_its_new_head(self, store: Store) -> None:
        """A cached head must be renewed, also one of an empty partition."""
        assert await store.feed(0, 1, 0, 10) == await store.feed(0, 1, 0, 10)
        for number in range(3):
            (at,) = await write(store, append(f"cus_{number}"))
            assert (await store.feed(0, 1, 0, 0)).head == at.position
            other = partition_of(at.slot, 1024) ^ 1
            assert (await store.feed(other, 1024, 0, 10)).head == 0

    async def test_a_page_is_bounded_by_bytes_too(self, store: Store) -> None:
        """It ends with the record that fills it, and the next goes on from there without a seam."""
        large = registered("x" * (3 * PAGE_BYTES_MAX // 8))
        await write(store, *(append(f"cus_{number}", large) for number in range(5)))
        read, page = await store.read_stable(0, 100), await store.feed(0, 1, 0, 100)
        assert len(read) == len(page.records) == 3
        rest = await store.feed(0, 1, page.records[-1].position, 100)
        assert [record.previous for record in rest.records] == [
            page.records[-1].position,
            rest.records[0].position,
        ]
        assert page.head == rest.records[-1].position

    async def test_effects_are_part_of_the_commit(self, store: Store, notebook: SideTable) -> None:
        """Side writes get the receipt, and are committed exactly if the events are."""
        seen: list[Any] = []

        async def look(_: Any, receipt: Any) -> None:
            seen.append(receipt)

        receipt = await store.commit(
            ChangeSet(appends=[append("cus_1")], side_writes=[notebook.note_write("a"), look])
        )
        assert seen == [receipt]
        assert await notebook.notes() == {"a"}

    @pytest.mark.parametrize("failing", ["effect", "append"])
    async def test_effects_leave_nothing_when_the_commit_fails(
        self, store: Store, notebook: SideTable, failing: str
    ) -> None:
        """If one part fails, the others are not written either."""

        async def fail(_: Any, __: Any) -> None:
            raise RuntimeError("no")

        await write(store, append("cus_1"))
        expected = 1 if failing == "effect" else 0
        effects: list[Callable[[Any, Any], Awaitable[None]]] = [notebook.note_write("a")]
        changes = ChangeSet(appends=[append("cus_1", expected=expected)], side_writes=effects)
        if failing == "effect":
            effects.append(fail)
        with pytest.raises((RuntimeError, VersionConflict)):
            await store.commit(changes)
        assert await notebook.notes() == set()
        assert await store.version(TENANT, "cus_1") == 1
