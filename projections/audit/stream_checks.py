"""Invariants of streams (docs/invariants.md): versions without a gap, an unbroken chain, unchanged bytes."""

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
    """I7: a stream's versions are 1..n, each event is named by its place, each partition is one chain."""

    def __init__(self, partitions: int) -> None:
        """`partitions` of every topic."""
        self.differences: list[Difference] = []
        self._partitions = partitions
        self._versions: dict[tuple[str, str], int] = {}
        self._chain: dict[tuple[str, int], int] = {}

    def visit(self, record: EventRecord, _: Event | None) -> None:
        """One record more."""
        stream = (record.context, record.stream_id)
        expected = self._versions.get(stream, 0) + 1
        if record.version != expected:
            self._complain(record, f"version {record.version} follows {expected - 1}")
        if record.event_id != event_id_of(record.stream_id, record.version):
            self._complain(record, f"its id {record.event_id} is not that of its place")
        partition = (record.context, partition_of(record.slot, self._partitions))
        if record.previous != self._chain.get(partition, 0):
            self._complain(record, f"it follows {record.previous}, not {self._chain.get(partition, 0)}")
        self._versions[stream] = record.version
        self._chain[partition] = record.position

    def _complain(self, record: EventRecord, detail: str) -> None:
        self.differences.append(difference_of(record, detail))


class HistoryCheck:
    """What was heard is what the feeds still say, to the byte."""

    def __init__(self) -> None:
        """Feeds are kept by position until history has been compared; of each event's bytes only a digest."""
        self._told: dict[tuple[str, int], EventRecord] = {}

    def visit(self, record: EventRecord, _: Event | None) -> None:
        """One record more."""
        self._told[record.context, record.position] = _digested(record)

    async def compare(self, snapshot: AuditSnapshot, contexts: Sequence[str]) -> list[Difference]:
        """Every record that only one side has, or that differs in anything."""
        found: list[Difference] = []
        for context in contexts:
            after = 0
            while page := await snapshot.history(context, after, PAGE):
                found += [one for record in page if (one := self._compared(record)) is not None]
                after = page[-1].position
        return found + [difference_of(record, "history lacks it") for record in self._told.values()]

    def _compared(self, heard: EventRecord) -> Difference | None:
        told = self._told.pop((heard.context, heard.position), None)
        if told is None:
            return difference_of(heard, "it is in history, but its context does not tell of it")
        known = _digested(heard)
        fields = [name for name in _FIELDS if getattr(told, name) != getattr(known, name)]
        if not fields:
            return None
        return difference_of(told, f"{', '.join(fields)} changed since it was heard")


def _digested(record: EventRecord) -> EventRecord:
    return replace(record, state=hashlib.blake2b(record.state, digest_size=16).digest())


_FIELDS = (
    "tenant_id",
    "stream_id",
    "version",
    "wire_name",
    "state",
    "slot",
    "event_id",
    "metadata",
    "recorded_at",
)


def difference_of(record: EventRecord, detail: str) -> Difference:
    """Names a record by context, position and stream."""
    what = f"position {record.position}, stream {record.stream_id} version {record.version}"
    return Difference(f"events of {record.context}", record.tenant_id, what, detail)
