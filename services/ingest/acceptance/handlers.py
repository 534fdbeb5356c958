"""Offered events become history: judged, counted once, and committed, many requests as one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.ingest.acceptance.deduplication import deduplicate
from services.ingest.acceptance.outcome import IngestResult, RequestEvaluation
from services.ingest.acceptance.ports import DeduplicationStore, DuplicateKeys, RejectedBatch
from services.ingest.acceptance.refusals import UsageIsContended
from services.ingest.events.identity import DeduplicationKey
from services.ingest.events.usage_event import ParsedEvent
from shared.billing.contracts.ingest.rejected_events import UsageRejected
from shared.billing.contracts.ingest.usage import UsageEvent, UsageRecorded
from shared.framework.core.clock import Clock
from shared.framework.core.event import Metadata
from shared.framework.core.ids import IdGenerator, partition_of, slot_of
from shared.framework.eventstore.ports import Store, VersionConflict
from shared.framework.eventstore.records import CommitReceipt
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, metadata_now

LOOKUP_FIRST_TRANSACTIONS = 32
"""For so many transactions after a repeat we look before we write: repeats seldom come alone."""

ATTEMPTS_MAX = 8
_BEYOND = 2**62


@dataclass(frozen=True, slots=True)
class Submission:
    """The events of one request, on whose behalf they came, and how long the body was that they came in."""

    tenant_id: str
    actor: str
    correlation_id: str
    traceparent: str | None
    offers: Sequence[ParsedEvent]
    size_bytes: int


@dataclass(slots=True)
class UsageAcceptance:
    """Takes submissions of any tenants and answers each; nothing is answered before it is committed."""

    store: Store
    log: DeduplicationStore
    clock: Clock
    ids: IdGenerator
    partitions: int
    _careful: int = field(default=0, init=False)

    async def accept(self, submissions: Sequence[Submission]) -> list[IngestResult]:
        """One verdict per submission, in order; all is written in one transaction. UsageIsContended."""
        metadata = {
            tenant: await metadata_now(self.store, self.clock, tenant, **_origin(cause))
            for tenant, cause in {one.tenant_id: one for one in submissions}.items()
        }
        drafts = [
            RequestEvaluation.of(one.tenant_id, one.offers, metadata[one.tenant_id].occurred_at)
            for one in submissions
        ]
        for _ in range(ATTEMPTS_MAX):
            seen = await self._known_keys(drafts)
            known = len(seen)
            for draft in drafts:
                draft.findings = deduplicate(draft.candidates, seen)
            try:
                receipt = await self._commit(submissions, drafts, metadata)
            except (DuplicateKeys, VersionConflict):
                self._careful = LOOKUP_FIRST_TRANSACTIONS
                continue
            self._careful = LOOKUP_FIRST_TRANSACTIONS if known else max(0, self._careful - 1)
            return [await self._result(draft, receipt) for draft in drafts]
        raise UsageIsContended(f"{ATTEMPTS_MAX} attempts")

    async def _known_keys(self, drafts: Sequence[RequestEvaluation]) -> dict[DeduplicationKey, int]:
        if not self._careful:
            return {}
        return await self.log.known({one.identity for draft in drafts for one in draft.candidates})

    async def _commit(
        self,
        submissions: Sequence[Submission],
        drafts: Sequence[RequestEvaluation],
        metadata: dict[str, Metadata],
    ) -> CommitReceipt:
        unit = UnitOfWork(self.store)
        rejections = []
        for cause, group in _by_actor(submissions, drafts):
            mine = msgspec.structs.replace(metadata[cause.tenant_id], **_origin(cause))
            rejections += self._append(unit.session(cause.tenant_id, mine), group)
        accepted = {one.identity: one.fingerprint for draft in drafts for one in draft.accepted}
        if not accepted and not rejections:
            return CommitReceipt()
        unit.changes.side_writes.append(await self.log.store(accepted, rejections))
        return await unit.commit()

    def _append(self, session: Session, drafts: Sequence[RequestEvaluation]) -> list[RejectedBatch]:
        now, tenant_id = session.now, session.tenant_id
        events: tuple[UsageEvent, ...] = tuple(one.event for draft in drafts for one in draft.accepted)
        if events:
            batch_id = self.ids.new("ub")
            recorded = UsageRecorded(batch_id=batch_id, accepted_at=now, events=events)
            session.append(batch_id, 0, [recorded], slot_key=tenant_id)
        rejected = tuple(event for draft in drafts for event in draft.rejected)
        if not rejected:
            return []
        batch_id = self.ids.new("ur")
        refused = UsageRejected(batch_id=batch_id, rejected_at=now, events=rejected)
        session.append(batch_id, 0, [refused], slot_key=tenant_id)
        return [RejectedBatch(tenant_id, batch_id, now, rejected)]

    async def _result(self, draft: RequestEvaluation, receipt: CommitReceipt) -> IngestResult:
        slot = slot_of(draft.tenant_id)
        partition = partition_of(slot, self.partitions)
        written = [place.position for place in receipt.positions if place.slot == slot]
        if written:
            return draft.verdict(partition, max(written))
        # Only repeats: they lie somewhere before the head, so waiting for it shows them.
        page = await self.store.feed(partition, self.partitions, _BEYOND, 1)
        return draft.verdict(partition, page.head)


def _by_actor(
    submissions: Sequence[Submission], drafts: Sequence[RequestEvaluation]
) -> Iterable[tuple[Submission, list[RequestEvaluation]]]:
    """One batch per tenant and actor, caused by their first request: an event says truly who reported it."""
    groups: dict[tuple[str, str], tuple[Submission, list[RequestEvaluation]]] = {}
    for submission, draft in zip(submissions, drafts, strict=True):
        groups.setdefault((submission.tenant_id, submission.actor), (submission, []))[1].append(draft)
    return groups.values()


def _origin(cause: Submission) -> dict[str, Any]:
    """What the metadata of a batch says of the request that brought it."""
    return {
        "correlation_id": cause.correlation_id,
        "actor": cause.actor,
        "causation_id": cause.correlation_id,
        "traceparent": cause.traceparent,
    }
