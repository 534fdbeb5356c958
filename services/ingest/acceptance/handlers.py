"""Acceptance of usage: the events of many requests are checked, deduplicated and committed together."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.ingest.acceptance.outcome import IngestResult, RequestEvaluation
from services.ingest.acceptance.ports import DeduplicationStore, DuplicateKeys
from services.ingest.events.deduplication import EventIdentifier
from services.ingest.events.usage_event import ParsedEvent
from services.ingest.metered_types.ports import EventType, MeteredTypes
from shared.billing.contracts.ingest.rejected_events import UsageRejected
from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.framework.core.clock import Clock
from shared.framework.core.event import Metadata
from shared.framework.core.ids import IdGenerator, partition_of, slot_of
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.ports import Store, TestClockIsAdvancing, VersionConflict
from shared.framework.eventstore.records import CommitReceipt
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, metadata_at
from shared.framework.messaging.feed import head_of

LOOKUP_FIRST_TRANSACTIONS = 32
"""The number of transactions after a repeat that look up their keys first: repeats seldom come alone."""

ATTEMPTS_MAX = 8


class UsageIsContended(Refusal):
    """Another request with the same events is in progress; try again later."""

    code = "events-in-flight"
    kind = RefusalKind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Submission:
    """The events of one request, the metadata that it gives them, and the size of its body."""

    tenant_id: str
    actor: str
    correlation_id: str
    traceparent: str | None
    events: Sequence[ParsedEvent]
    size_bytes: int


@dataclass(slots=True)
class UsageAcceptance:
    """Accepts submissions of any tenants."""

    store: Store
    deduplication: DeduplicationStore
    metered_types: MeteredTypes
    clock: Clock
    ids: IdGenerator
    partitions: int
    _lookups_left: int = field(default=0, init=False)

    async def accept(self, submissions: Sequence[Submission]) -> list[IngestResult]:
        """One result per submission, in order, after one commit for all.

        Raises UsageIsContended, and TestClockIsAdvancing if the test clock of one of the tenants does.
        """
        metadata = {
            tenant: await self._metadata(one)
            for tenant, one in {one.tenant_id: one for one in submissions}.items()
        }
        evaluations = [
            RequestEvaluation.of(one.tenant_id, one.events, metadata[one.tenant_id].occurred_at)
            for one in submissions
        ]
        unmetered = await self.metered_types.unmetered(
            {
                (each.tenant_id, kind)
                for each in evaluations
                for kind in {o.event.type for o in each.candidates}
            }
        )
        for _ in range(ATTEMPTS_MAX):
            # Without a recent repeat no keys are looked up: the commit finds a repeat.
            keys = {one.key for each in evaluations for one in each.candidates} if self._lookups_left else ()
            known = await self.deduplication.known(keys)
            had_repeats = bool(known)
            for evaluation in evaluations:
                evaluation.deduplicate(known)
            try:
                receipt = await self._commit(submissions, evaluations, metadata)
            except (DuplicateKeys, VersionConflict):
                self._lookups_left = LOOKUP_FIRST_TRANSACTIONS
                continue
            self._lookups_left = LOOKUP_FIRST_TRANSACTIONS if had_repeats else max(0, self._lookups_left - 1)
            return [await self._result(evaluation, receipt, unmetered) for evaluation in evaluations]
        raise UsageIsContended(f"{ATTEMPTS_MAX} attempts")

    async def _metadata(self, submission: Submission) -> Metadata:
        test_clock = await self.store.test_clock(submission.tenant_id)
        if test_clock is not None and test_clock.target is not None:
            raise TestClockIsAdvancing(submission.tenant_id)
        return metadata_at(test_clock, self.clock, **_origin(submission))

    async def _commit(
        self,
        submissions: Sequence[Submission],
        evaluations: Sequence[RequestEvaluation],
        metadata: dict[str, Metadata],
    ) -> CommitReceipt:
        unit = UnitOfWork(self.store)
        rejected: list[tuple[str, UsageRejected]] = []
        for first, group in _by_actor(submissions, evaluations):
            own_metadata = msgspec.structs.replace(metadata[first.tenant_id], **_origin(first))
            session = unit.session(first.tenant_id, own_metadata)
            session.require_clock()
            rejected += self._append(session, group)
        accepted = {one.key: one.fingerprint for each in evaluations for one in each.accepted}
        if not accepted and not rejected:
            return CommitReceipt()
        unit.changes.side_writes.append(await self.deduplication.store_write(accepted, rejected))
        return await unit.commit()

    def _append(
        self, session: Session, evaluations: Sequence[RequestEvaluation]
    ) -> list[tuple[str, UsageRejected]]:
        """Append a batch of accepted and one of rejected events, if there are such; returns the latter."""
        now, tenant_id = session.now, session.tenant_id
        if events := tuple(one.event for each in evaluations for one in each.accepted):
            recorded = UsageRecorded(batch_id=self.ids.new("ub"), accepted_at=now, events=events)
            session.append(recorded.batch_id, 0, [recorded], slot_key=tenant_id)
        rejections = tuple(event for each in evaluations for event in each.rejected)
        if not rejections:
            return []
        rejected = UsageRejected(batch_id=self.ids.new("ur"), rejected_at=now, events=rejections)
        session.append(rejected.batch_id, 0, [rejected], slot_key=tenant_id)
        return [(tenant_id, rejected)]

    async def _result(
        self, evaluation: RequestEvaluation, receipt: CommitReceipt, unmetered: Set[EventType]
    ) -> IngestResult:
        slot = slot_of(evaluation.tenant_id)
        partition = partition_of(slot, self.partitions)
        written = [one.position for one in receipt.positions if one.slot == slot]
        if written:
            return evaluation.result(partition, max(written), unmetered)
        # Only repeats: the accepted originals are at or before the head.
        head = await head_of(self.store, partition, self.partitions)
        return evaluation.result(partition, head, unmetered)


@dataclass(frozen=True, slots=True)
class BatchResumption:
    """Registers the keys, or the list entries, of batches that were put back after a restore."""

    deduplication: DeduplicationStore

    async def accepted(self, session: Session, batch_id: str) -> None:
        """The keys of accepted events: sent again, they are duplicates."""
        identifier = EventIdentifier(session.tenant_id, session.now)
        for batch in (await session.work.stream(session.tenant_id, batch_id)).events:
            if isinstance(batch, UsageRecorded):
                events = [identifier.identify_stored(one) for one in batch.events]
                keys = {one.key: one.fingerprint for one in events}
                session.add_side_write(await self.deduplication.store_write(keys, []))

    async def rejected(self, session: Session, batch_id: str) -> None:
        """The entries of rejected events."""
        for batch in (await session.work.stream(session.tenant_id, batch_id)).events:
            if isinstance(batch, UsageRejected):
                entries = [(session.tenant_id, batch)]
                session.add_side_write(await self.deduplication.store_write({}, entries))


def _by_actor(
    submissions: Sequence[Submission], evaluations: Sequence[RequestEvaluation]
) -> Iterable[tuple[Submission, list[RequestEvaluation]]]:
    """Groups of one tenant and actor, each with its first submission: metadata must name the true actor."""
    groups: dict[tuple[str, str], tuple[Submission, list[RequestEvaluation]]] = {}
    for one, evaluation in zip(submissions, evaluations, strict=True):
        groups.setdefault((one.tenant_id, one.actor), (one, []))[1].append(evaluation)
    return groups.values()


def _origin(submission: Submission) -> dict[str, Any]:
    """The fields of Metadata that come from the request."""
    return {
        "correlation_id": submission.correlation_id,
        "actor": submission.actor,
        "causation_id": submission.correlation_id,
        "traceparent": submission.traceparent,
    }
