"""Rebuilds every read model from the feeds of the contexts, in tables of the audit."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from projections.audit.port import AuditSnapshot
from projections.audit.report import Difference, Progress, unseen
from projections.audit.stream_checks import difference_of
from projections.engine.event_archive import CustomerStream
from projections.engine.freshness import LatestEventTime
from projections.engine.projector import customer_streams, decoded_event, latest_event_times, row_changes
from projections.engine.read_model import AnyModel, DecodedEvent
from shared.billing.contracts import TOPICS, decode
from shared.framework.core.event import Event
from shared.framework.core.refusals import ImpossibleHistory, Refusal
from shared.framework.eventstore.contracts import EventIsUnreadable
from shared.framework.eventstore.records import CommitReceipt, EventRecord
from shared.framework.messaging.feed import FeedReader

PAGE = 500


class RecordVisitor(Protocol):
    """A check of every record of every feed; `event` is None if its wire name is not in the contracts."""

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """Take the next record; records come in order within their partition."""


@dataclass(slots=True)
class Rebuild:
    """One pass over all feeds, up to the inbox positions of the snapshot."""

    snapshot: AuditSnapshot
    feeds: FeedReader
    partitions: int
    models: Collection[AnyModel]
    visitors: Sequence[RecordVisitor] = ()
    progress: Progress = unseen
    differences: list[Difference] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    customer_streams: set[CustomerStream] = field(default_factory=set)
    event_times: dict[tuple[str, str, int], LatestEventTime] = field(default_factory=dict)

    async def run(self) -> None:
        """Read, visit, fold and write all records. Raises FeedUnavailable."""
        positions = await self.snapshot.inbox_positions()
        for context, topic in TOPICS.items():
            self.events[context] = 0
            for partition in range(self.partitions):
                until = positions.get((topic, partition), 0)
                async for page in self._pages(context, partition, until):
                    await self._project(page)
                    self.progress(f"events of {context} read: {self.events[context]:,}")

    async def _pages(self, context: str, partition: int, until: int) -> AsyncIterator[list[EventRecord]]:
        after = 0
        while after < until:
            page = await self.feeds.page(context, partition, self.partitions, after, PAGE)
            records = [record for record in page.records if record.position <= until]
            if not records:
                return
            yield records
            after = records[-1].position

    async def _project(self, records: Sequence[EventRecord]) -> None:
        events = [event for record in records if (event := self._visited(record)) is not None]
        self.events[records[0].context] += len(records)
        self.customer_streams.update(customer_streams(events))
        self._note(records)
        for model in self.models:
            try:
                changes = await row_changes(model, events, self.snapshot.rebuilt.load)
            except ImpossibleHistory as error:
                self.differences.append(Difference(model.name, "?", "events cannot be folded", repr(error)))
                continue
            write = self.snapshot.rebuilt.save_write(model, changes)
            await write(self.snapshot.connection, CommitReceipt())

    def _visited(self, record: EventRecord) -> DecodedEvent | None:
        try:
            event = decode(record.wire_name, record.state)
            for visitor in self.visitors:
                visitor.visit(record, event)
        except (EventIsUnreadable, Refusal) as error:
            self.differences.append(difference_of(record, repr(error)))
            return None
        return None if event is None else decoded_event(record, event)

    def _note(self, records: Sequence[EventRecord]) -> None:
        for time in latest_event_times(records, self.partitions):
            key = (time.tenant_id, time.context, time.partition)
            self.event_times[key] = max(
                self.event_times.get(key, time), time, key=lambda one: one.occurred_at
            )
