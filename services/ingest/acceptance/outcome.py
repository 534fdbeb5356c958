"""What becomes of one request: which of its events count, and what is told about the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from services.ingest.acceptance.deduplication import DeduplicationResult
from services.ingest.events.identity import AGE_MAX, FUTURE_MAX, EventIdentifier, IdentifiedEvent, time_fault
from services.ingest.events.rejection import Rejection, RejectionCode
from services.ingest.events.usage_event import ATTRIBUTE_LENGTH_MAX, InvalidEvent, ParsedEvent
from shared.billing.contracts.ingest.rejected_events import RejectedUsage

BODY_KEPT_MAX = 16 * 1024
"""Characters of a rejected event that are kept; enough to see and repair it."""

DETAIL_KEPT_MAX = 500


class EventResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told about one event that was not accepted; `index` is its place in the request, from 0."""

    index: int
    id: str | None
    status: str
    reason: str | None = None
    detail: str | None = None


class IngestResult(msgspec.Struct, frozen=True):
    """The answer to one request; `position` in `partition` is where its accepted events lie at the latest."""

    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    results: tuple[EventResult, ...]
    partition: int
    position: int


@dataclass(slots=True)
class RequestEvaluation:
    """One request on its way through judgement."""

    tenant_id: str
    offers: Sequence[ParsedEvent]
    candidates: list[IdentifiedEvent]
    places: list[int]
    """Index in the request of each candidate."""
    faults: dict[int, Rejection]
    findings: list[DeduplicationResult] = field(default_factory=list)

    @classmethod
    def of(cls, tenant_id: str, offers: Sequence[ParsedEvent], now: datetime) -> "RequestEvaluation":
        """Judge each event by itself at this moment of the tenant's clock."""
        draft = cls(tenant_id, offers, [], [], {})
        candidate, earliest, latest = (
            EventIdentifier(tenant_id, now).candidate,
            now - AGE_MAX,
            now + FUTURE_MAX,
        )
        for index, offer in enumerate(offers):
            if isinstance(offer, InvalidEvent):
                draft.faults[index] = offer.fault
            elif offer.time is not None and not earliest <= offer.time <= latest:
                draft.faults[index] = time_fault(offer.time, now)
            else:
                draft.candidates.append(candidate(offer))
                draft.places.append(index)
        return draft

    @property
    def accepted(self) -> list[IdentifiedEvent]:
        """The candidates that count."""
        if self.findings.count(_NEW) == len(self.findings):
            return self.candidates
        return [one for one, finding in zip(self.candidates, self.findings, strict=True) if finding is _NEW]

    @property
    def rejected(self) -> Iterator[RejectedUsage]:
        """Everything that is kept without being counted: faulty events and contradictions."""
        for index, fault in self.faults.items():
            yield _rejected(self.offers[index], fault)
        for index, candidate, finding in zip(self.places, self.candidates, self.findings, strict=True):
            if finding is DeduplicationResult.CONFLICT:
                yield _rejected(self.offers[index], _CONTRADICTION, candidate)

    def verdict(self, partition: int, position: int) -> IngestResult:
        """What is answered, once everything is committed."""
        count = self.findings.count
        if not self.faults and count(DeduplicationResult.ACCEPTED) == len(self.findings):
            return IngestResult(len(self.findings), 0, 0, 0, (), partition, position)
        return IngestResult(
            accepted=count(DeduplicationResult.ACCEPTED),
            duplicates=count(DeduplicationResult.DUPLICATE),
            conflicts=count(DeduplicationResult.CONFLICT),
            rejected=len(self.faults),
            results=tuple(sorted(self._remarks(), key=lambda remark: remark.index)),
            partition=partition,
            position=position,
        )

    def _remarks(self) -> Iterator[EventResult]:
        for index, fault in self.faults.items():
            yield EventResult(index, _names_in(self.offers[index]).id, "rejected", fault.reason, fault.detail)
        for index, candidate, finding in zip(self.places, self.candidates, self.findings, strict=True):
            if finding is DeduplicationResult.DUPLICATE:
                yield EventResult(index, candidate.event.id, "duplicate")
            if finding is DeduplicationResult.CONFLICT:
                told = _CONTRADICTION
                yield EventResult(index, candidate.event.id, "conflict", told.reason, told.detail)


_NEW = DeduplicationResult.ACCEPTED
_CONTRADICTION = Rejection(
    RejectionCode.ID_CONFLICTS, "an event of this source, id and UTC day was accepted with other content"
)


class _EventIds(msgspec.Struct):
    id: str | None = None
    source: str | None = None


_exact = msgspec.json.Encoder(decimal_format="number").encode


def _rejected(
    offer: ParsedEvent, fault: Rejection, candidate: IdentifiedEvent | None = None
) -> RejectedUsage:
    names = _names_in(offer)
    body = offer.body if isinstance(offer, InvalidEvent) else _exact(candidate.event if candidate else offer)
    return RejectedUsage(
        reason=fault.reason,
        detail=_storable(fault.detail, DETAIL_KEPT_MAX),
        id=names.id,
        source=names.source,
        body=_storable(body.decode(errors="replace"), BODY_KEPT_MAX),
    )


def _names_in(offer: ParsedEvent) -> _EventIds:
    if not isinstance(offer, InvalidEvent):
        return _EventIds(offer.id, offer.source)
    try:
        names = msgspec.json.decode(offer.body, type=_EventIds)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _EventIds()
    return _EventIds(*(name and _storable(name, ATTRIBUTE_LENGTH_MAX) for name in (names.id, names.source)))


def _storable(text: str, length_max: int) -> str:
    return text[:length_max].replace("\0", "\ufffd")
