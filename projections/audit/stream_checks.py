"""Checks of streams (docs/invariants.md): versions without a gap, an unbroken chain, unchanged bytes."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from projections.audit.port import AuditSnapshot
from projections.audit.report import Difference
from shared.framework.core.event import Event
from shared.framework.core.ids import partition_of
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import event_id_of

PAGE = 1000


class StreamCheck:
    """A stream's versions are 1..n, event ids derive from stream and version, partitions are chains (I7)."""

    def __init__(self, partitions: int) -> None:
        """`partitions` of every topic."""
        self.differences: list[Difference] = []
        self._partitions = partitions
        self._versions: dict[tuple[str, str], int] = {}
        self._chain: dict[tuple[str, int], int] = {}

    def visit(self, record: EventRecord, _: Event | None) -> None:
        """See RecordVisitor."""
        stream = (record.context, record.stream_id)
        expected = self._versions.get(stream, 0) + 1
        if record.version != expected:
            self._add(record, f"version {record.version} follows {expected - 1}")
        if record.event_id != event_id_of(record.stream_id, record.version):
            self._add(record, f"event id {record.event_id} is not derived from its stream and version")
        partition = (record.context, partition_of(record.slot, self._partitions))
        if record.previous != self._chain.get(partition, 0):
            self._add(record, f"previous position is {record.previous}, not {self._chain.get(partition, 0)}")
        self._versions[stream] = record.version
        self._chain[partition] = record.position

    def _add(self, record: EventRecord, detail: str) -> None:
        self.differences.append(difference_of(record, detail))


class HistoryCheck:
    """The event archive equals the feeds, to the byte."""

    def __init__(self) -> None:
        """Keeps every record of the feeds until it is compared, with a digest instead of its bytes."""
        self._fed: dict[tuple[str, int], EventRecord] = {}

    def visit(self, record: EventRecord, _: Event | None) -> None:
        """See RecordVisitor."""
        self._fed[record.context, record.position] = _digested(record)

    async def compare(self, snapshot: AuditSnapshot, contexts: Sequence[str]) -> list[Difference]:
        """One difference for each record that only one side has, or that is not the same in both."""
        found: list[Difference] = []
        for context in contexts:
            after = 0
            while page := await snapshot.history(context, after, PAGE):
                found += [one for record in page if (one := self._compared(record)) is not None]
                after = page[-1].position
        return found + [
            difference_of(record, "missing in the event archive") for record in self._fed.values()
        ]

    def _compared(self, archived: EventRecord) -> Difference | None:
        fed = self._fed.pop((archived.context, archived.position), None)
        if fed is None:
            return difference_of(archived, "in the event archive, but missing in the feed")
        known = _digested(archived)
        fields = [name for name in _FIELDS if getattr(fed, name) != getattr(known, name)]
        return difference_of(fed, f"archived with another {', '.join(fields)}") if fields else None


def _digested(record: EventRecord) -> EventRecord:
    return replace(record, state=hashlib.blake2b(record.state, digest_size=16).digest())


_FIELDS = "tenant_id stream_id version wire_name state slot event_id metadata recorded_at".split()


def difference_of(record: EventRecord, detail: str) -> Difference:
    """A difference of one record, identified by context, position, stream and version."""
    what = f"position {record.position}, stream {record.stream_id} version {record.version}"
    return Difference(f"events of {record.context}", record.tenant_id, what, detail)
