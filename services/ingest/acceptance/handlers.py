"""Offered events become history: judged, counted once, and committed, many requests as one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.ingest.acceptance.deduplication import deduplicate
from services.ingest.acceptance.outcome import IngestResult, RequestEvaluation
from services.ingest.acceptance.ports import DeduplicationStore, DuplicateKeys, RejectedBatch
from services.ingest.acceptance.refusals import UsageIsContended
from services.ingest.events.identity import DeduplicationKey
from services.ingest.events.usage_event import ParsedEvent
from shared.billing.contracts.ingest.rejected_events import UsageRejected
from shared.billing.contracts.ingest.usage import UsageEvent, UsageRecorded
from shared.framework.core.clock import Clock
from shared.framework.core.event import Event, Metadata
from shared.framework.core.ids import IdGenerator, partition_of, slot_of
from shared.framework.eventstore.port import Append, ChangeSet, CommitReceipt, Store, VersionConflict

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
        moments = {tenant: await self._now(tenant) for tenant in {one.tenant_id for one in submissions}}
        drafts = [
            RequestEvaluation.of(one.tenant_id, one.offers, moments[one.tenant_id][0]) for one in submissions
        ]
        for _ in range(ATTEMPTS_MAX):
            seen = await self._known_keys(drafts)
            known = len(seen)
            for draft in drafts:
                draft.findings = deduplicate(draft.candidates, seen)
            try:
                receipt = await self._commit(submissions, drafts, moments)
            except (DuplicateKeys, VersionConflict):
                self._careful = LOOKUP_FIRST_TRANSACTIONS
                continue
            self._careful = LOOKUP_FIRST_TRANSACTIONS if known else max(0, self._careful - 1)
            return [await self._result(draft, receipt) for draft in drafts]
        raise UsageIsContended(f"{ATTEMPTS_MAX} attempts")

    async def _now(self, tenant_id: str) -> tuple[datetime, bool]:
        test_clock = await self.store.test_clock_now(tenant_id)
        return (self.clock.now(), False) if test_clock is None else (test_clock, True)

    async def _known_keys(self, drafts: Sequence[RequestEvaluation]) -> dict[DeduplicationKey, int]:
        if not self._careful:
            return {}
        return await self.log.known({one.identity for draft in drafts for one in draft.candidates})

    async def _commit(
        self,
        submissions: Sequence[Submission],
        drafts: Sequence[RequestEvaluation],
        moments: dict[str, tuple[datetime, bool]],
    ) -> CommitReceipt:
        changes = ChangeSet()
        rejections = []
        for causes, group in _by_actor(submissions, drafts):
            cause = causes[0]
            metadata = _metadata(cause, *moments[cause.tenant_id])
            rejections += self._append(changes, cause.tenant_id, metadata, group)
        accepted = {one.identity: one.fingerprint for draft in drafts for one in draft.accepted}
        if not accepted and not rejections:
            return CommitReceipt()
        changes.effects.append(await self.log.store(accepted, rejections))
        return await self.store.commit(changes)

    def _append(
        self, changes: ChangeSet, tenant_id: str, metadata: Metadata, drafts: Sequence[RequestEvaluation]
    ) -> list[RejectedBatch]:
        now = metadata.occurred_at

        def append(stream_id: str, event: Event) -> None:
            changes.appends.append(Append(tenant_id, stream_id, 0, (event,), metadata, slot_key=tenant_id))

        events: tuple[UsageEvent, ...] = tuple(one.event for draft in drafts for one in draft.accepted)
        if events:
            batch_id = self.ids.new("ub")
            append(batch_id, UsageRecorded(batch_id=batch_id, accepted_at=now, events=events))
        rejected = tuple(event for draft in drafts for event in draft.rejected)
        if not rejected:
            return []
        batch_id = self.ids.new("ur")
        append(batch_id, UsageRejected(batch_id=batch_id, rejected_at=now, events=rejected))
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
) -> list[tuple[list[Submission], list[RequestEvaluation]]]:
    """One batch per tenant and actor: an event says truly who reported it."""
    groups: dict[tuple[str, str], tuple[list[Submission], list[RequestEvaluation]]] = {}
    for submission, draft in zip(submissions, drafts, strict=True):
        causes, group = groups.setdefault((submission.tenant_id, submission.actor), ([], []))
        causes.append(submission)
        group.append(draft)
    return list(groups.values())


def _metadata(cause: Submission, now: datetime, test_clock: bool) -> Metadata:
    return Metadata(
        correlation_id=cause.correlation_id,
        actor=cause.actor,
        occurred_at=now,
        causation_id=cause.correlation_id,
        traceparent=cause.traceparent,
        test_clock=test_clock,
    )
