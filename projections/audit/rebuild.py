"""Every read model again, from the contexts' own feeds, beside the one that is served."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from projections.audit.port import Snapshot
from projections.audit.report import Difference
from projections.audit.stream_checks import difference_of
from projections.engine.customer_index import Mention, mentions_of
from projections.engine.folding import changes_of, fact_from
from projections.engine.freshness import Moment, moments_of
from projections.engine.read_model import AnyModel, Fact
from projections.register import READ_MODELS
from shared.billing.contracts import TOPICS
from shared.framework.core.event import Event
from shared.framework.core.refusals import ImpossibleHistory, Refusal
from shared.framework.eventstore.codec import EventIsUnreadable, decode
from shared.framework.eventstore.port import Record
from shared.framework.messaging.feed import FeedReader

PAGE = 500


class Witness(Protocol):
    """Looks at every record of every feed as it goes by; `event` is None for a wire name from the future."""

    def see(self, record: Record, event: Event | None) -> None:
        """One record more, in order within its partition."""
        ...


@dataclass(slots=True)
class Rebuild:
    """One pass over all feeds, up to where the snapshot had heard them."""

    snapshot: Snapshot
    feeds: FeedReader
    partitions: int
    witnesses: Sequence[Witness] = ()
    models: Sequence[AnyModel] = READ_MODELS
    differences: list[Difference] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    mentions: set[Mention] = field(default_factory=set)
    moments: dict[tuple[str, str, int], Moment] = field(default_factory=dict)

    async def run(self) -> None:
        """Read, fold, write beside. FeedFailed when a context cannot be asked: then nothing is proven."""
        marks = await self.snapshot.marks()
        for context, topic in TOPICS.items():
            self.events[context] = 0
            for partition in range(self.partitions):
                until = marks.get((topic, partition), 0)
                async for page in self._pages(context, partition, until):
                    await self._take(page)

    async def _pages(self, context: str, partition: int, until: int) -> AsyncIterator[list[Record]]:
        after = 0
        while after < until:
            page = await self.feeds.page(context, partition, self.partitions, after, PAGE)
            records = [record for record in page.records if record.position <= until]
            if not records:
                return
            yield records
            after = records[-1].position

    async def _take(self, records: Sequence[Record]) -> None:
        facts = [fact for record in records if (fact := self._looked_at(record)) is not None]
        self.events[records[0].context] += len(records)
        self.mentions.update(mentions_of(facts))
        self._note(records)
        for model in self.models:
            try:
                changes = await changes_of(model, facts, self.snapshot.beside.load)
            except ImpossibleHistory as error:
                self.differences.append(Difference(model.name, "?", "history cannot be folded", repr(error)))
                continue
            await self.snapshot.write(model, changes)

    def _looked_at(self, record: Record) -> Fact | None:
        try:
            event = decode(record.wire_name, record.state)
            for witness in self.witnesses:
                witness.see(record, event)
        except (EventIsUnreadable, Refusal) as error:
            self.differences.append(difference_of(record, repr(error)))
            return None
        return None if event is None else fact_from(record, event)

    def _note(self, records: Sequence[Record]) -> None:
        for moment in moments_of(records, self.partitions):
            key = (moment.tenant_id, moment.context, moment.partition)
            known = self.moments.get(key, moment)
            self.moments[key] = max(known, moment, key=lambda one: one.occurred_at)
