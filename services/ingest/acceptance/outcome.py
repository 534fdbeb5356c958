"""The outcome of one request: which events are accepted, and a result for each of the others."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from services.ingest.events.deduplication import (
    DeduplicationResult,
    EventIdentifier,
    IdentifiedEvent,
    KnownFingerprints,
    deduplicate,
)
from services.ingest.events.usage_event import ATTRIBUTE_LENGTH_MAX, InvalidEvent, ParsedEvent
from services.ingest.events.validation import AGE_MAX, FUTURE_MAX, Rejection, RejectionCode, time_rejection
from services.ingest.metered_types.ports import EventType
from shared.billing.contracts.ingest.rejected_events import RejectedUsage

BODY_KEPT_MAX = 16 * 1024
"""Characters of a rejected event that are stored."""

DETAIL_KEPT_MAX = 500
UNCOUNTED_TYPES_MAX = 100
"""Types that a result names."""


class EventResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of one event that was not accepted; `index` is that in the request, from 0."""

    index: int
    id: str | None
    status: str
    reason: str | None = None
    detail: str | None = None


class IngestResult(msgspec.Struct, frozen=True):
    """The result of one request; its accepted events are at or before `position` in `partition`.

    `uncounted` of the accepted events are of types that no meter counts; `uncounted_types` are those types.
    """

    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    results: tuple[EventResult, ...]
    uncounted: int
    uncounted_types: tuple[str, ...]
    partition: int
    position: int


@dataclass(slots=True)
class RequestEvaluation:
    """The events of one request: rejected ones by index, and candidates with their index and result."""

    tenant_id: str
    events: Sequence[ParsedEvent]
    candidates: list[IdentifiedEvent] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    rejections: dict[int, Rejection] = field(default_factory=dict)
    results: list[DeduplicationResult] = field(default_factory=list)

    @classmethod
    def of(cls, tenant_id: str, events: Sequence[ParsedEvent], now: datetime) -> "RequestEvaluation":
        """Check each event by itself at the tenant's now; `deduplicate` is next."""
        self = cls(tenant_id, events)
        identify, earliest, latest = EventIdentifier(tenant_id, now).identify, now - AGE_MAX, now + FUTURE_MAX
        for index, event in enumerate(events):
            if isinstance(event, InvalidEvent):
                self.rejections[index] = event.rejection
            elif event.time is not None and not earliest <= event.time <= latest:
                self.rejections[index] = time_rejection(event.time, now)
            else:
                self.candidates.append(identify(event))
                self.indexes.append(index)
        return self

    def deduplicate(self, known: KnownFingerprints) -> None:
        """Set the result of each candidate. Accepted ones are added to `known`: the first of equals wins."""
        self.results = [deduplicate(one, known) for one in self.candidates]

    @property
    def accepted(self) -> list[IdentifiedEvent]:
        """The candidates that are accepted."""
        if self.results.count(_ACCEPTED) == len(self.results):
            return self.candidates
        return [one for one, result in zip(self.candidates, self.results, strict=True) if result is _ACCEPTED]

    @property
    def rejected(self) -> Iterator[RejectedUsage]:
        """The events that are stored without being counted: rejected ones and conflicts."""
        for index, rejection in self.rejections.items():
            yield _rejected(self.events[index], rejection)
        for index, candidate, result in zip(self.indexes, self.candidates, self.results, strict=True):
            if result is DeduplicationResult.CONFLICT:
                yield _rejected(self.events[index], _CONFLICT, candidate)

    def result(self, partition: int, position: int, unmetered: Set[EventType]) -> IngestResult:
        """The result of the request, once everything is committed."""
        uncounted = self._uncounted(unmetered)
        count = self.results.count
        accepted = count(_ACCEPTED)
        others = () if accepted == len(self.events) else self._event_results()
        return IngestResult(
            accepted=accepted,
            duplicates=count(DeduplicationResult.DUPLICATE),
            conflicts=count(DeduplicationResult.CONFLICT),
            rejected=len(self.rejections),
            results=tuple(sorted(others, key=lambda one: one.index)),
            uncounted=len(uncounted),
            uncounted_types=tuple(sorted(set(uncounted))[:UNCOUNTED_TYPES_MAX]),
            partition=partition,
            position=position,
        )

    def _uncounted(self, unmetered: Set[EventType]) -> list[str]:
        """The types of the accepted events that no meter counts, each as often as it was sent."""
        if not unmetered:
            return []
        types = [one.event.type for one in self.accepted]
        return [one for one in types if (self.tenant_id, one) in unmetered]

    def _event_results(self) -> Iterator[EventResult]:
        for index, rejection in self.rejections.items():
            event_id = _ids_in(self.events[index]).id
            yield EventResult(index, event_id, "rejected", rejection.reason, rejection.detail)
        for index, candidate, result in zip(self.indexes, self.candidates, self.results, strict=True):
            if result is DeduplicationResult.DUPLICATE:
                yield EventResult(index, candidate.event.id, "duplicate")
            if result is DeduplicationResult.CONFLICT:
                yield EventResult(index, candidate.event.id, "conflict", _CONFLICT.reason, _CONFLICT.detail)


_ACCEPTED = DeduplicationResult.ACCEPTED
_CONFLICT = Rejection(
    RejectionCode.ID_CONFLICTS, "an event of this source, id and UTC day was accepted with other content"
)


class _EventIds(msgspec.Struct):
    id: str | None = None
    source: str | None = None


_encode_exactly = msgspec.json.Encoder(decimal_format="number").encode


def _rejected(
    event: ParsedEvent, rejection: Rejection, candidate: IdentifiedEvent | None = None
) -> RejectedUsage:
    ids = _ids_in(event)
    if isinstance(event, InvalidEvent):
        body = event.body
    else:
        body = _encode_exactly(candidate.event if candidate else event)
    return RejectedUsage(
        reason=rejection.reason,
        detail=_storable(rejection.detail, DETAIL_KEPT_MAX),
        id=ids.id,
        source=ids.source,
        body=_storable(body.decode(errors="replace"), BODY_KEPT_MAX),
    )


def _ids_in(event: ParsedEvent) -> _EventIds:
    """The id and source of an event, as far as they can be read."""
    if not isinstance(event, InvalidEvent):
        return _EventIds(event.id, event.source)
    try:
        ids = msgspec.json.decode(event.body, type=_EventIds)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _EventIds()
    return _EventIds(*(text and _storable(text, ATTRIBUTE_LENGTH_MAX) for text in (ids.id, ids.source)))


def _storable(text: str, length_max: int) -> str:
    """The text cut to a length, without NUL, which Postgres cannot store."""
    return text[:length_max].replace("\0", "\ufffd")
