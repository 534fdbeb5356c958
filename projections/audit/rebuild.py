"""Every read model again, from the contexts' own feeds, beside the one that is served."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from projections.audit.port import AuditSnapshot
from projections.audit.report import Difference
from projections.audit.stream_checks import difference_of
from projections.engine.customer_index import CustomerStream, customer_streams
from projections.engine.folding import fact_from, row_changes
from projections.engine.freshness import LatestEventTime, latest_event_times
from projections.engine.read_model import AnyModel, DecodedEvent
from shared.billing.contracts import TOPICS, decode
from shared.framework.core.event import Event
from shared.framework.core.refusals import ImpossibleHistory, Refusal
from shared.framework.eventstore.contracts import EventIsUnreadable
from shared.framework.eventstore.records import EventRecord
from shared.framework.messaging.feed import FeedReader

PAGE = 500


class RecordVisitor(Protocol):
    """Looks at every record of every feed as it goes by; `event` is None for a wire name from the future."""

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """One record more, in order within its partition."""
        ...


@dataclass(slots=True)
class Rebuild:
    """One pass over all feeds, up to where the snapshot had heard them."""

    snapshot: AuditSnapshot
    feeds: FeedReader
    partitions: int
    models: Collection[AnyModel]
    witnesses: Sequence[RecordVisitor] = ()
    differences: list[Difference] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    mentions: set[CustomerStream] = field(default_factory=set)
    moments: dict[tuple[str, str, int], LatestEventTime] = field(default_factory=dict)

    async def run(self) -> None:
        """Read, fold, write beside. Raises FeedUnavailable when a context does not answer."""
        marks = await self.snapshot.inbox_positions()
        for context, topic in TOPICS.items():
            self.events[context] = 0
            for partition in range(self.partitions):
                until = marks.get((topic, partition), 0)
                async for page in self._pages(context, partition, until):
                    await self._take(page)

    async def _pages(self, context: str, partition: int, until: int) -> AsyncIterator[list[EventRecord]]:
        after = 0
        while after < until:
            page = await self.feeds.page(context, partition, self.partitions, after, PAGE)
            records = [record for record in page.records if record.position <= until]
            if not records:
                return
            yield records
            after = records[-1].position

    async def _take(self, records: Sequence[EventRecord]) -> None:
        facts = [fact for record in records if (fact := self._looked_at(record)) is not None]
        self.events[records[0].context] += len(records)
        self.mentions.update(customer_streams(facts))
        self._note(records)
        for model in self.models:
            try:
                changes = await row_changes(model, facts, self.snapshot.beside.load)
            except ImpossibleHistory as error:
                self.differences.append(Difference(model.name, "?", "history cannot be folded", repr(error)))
                continue
            await self.snapshot.write(model, changes)

    def _looked_at(self, record: EventRecord) -> DecodedEvent | None:
        try:
            event = decode(record.wire_name, record.state)
            for witness in self.witnesses:
                witness.visit(record, event)
        except (EventIsUnreadable, Refusal) as error:
            self.differences.append(difference_of(record, repr(error)))
            return None
        return None if event is None else fact_from(record, event)

    def _note(self, records: Sequence[EventRecord]) -> None:
        for moment in latest_event_times(records, self.partitions):
            key = (moment.tenant_id, moment.context, moment.partition)
            known = self.moments.get(key, moment)
            self.moments[key] = max(known, moment, key=lambda one: one.occurred_at)
