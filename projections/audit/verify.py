"""The whole audit: rebuilds the read models, compares every row and byte, checks docs/invariants.md."""

from projections.audit.balance_checks import check_balances
from projections.audit.cache_checks import check_cached_rows
from projections.audit.commitment_checks import CommitmentCheck
from projections.audit.money_checks import InvoiceCheck, NumberDateCheck, PaymentCheck
from projections.audit.port import AuditSnapshot
from projections.audit.reading_checks import ReadingCheck
from projections.audit.rebuild import Rebuild
from projections.audit.report import AuditReport, Difference, Progress, unseen
from projections.audit.stream_checks import HistoryCheck, StreamCheck
from projections.audit.usage_checks import usage_count_check
from projections.engine.cache.cache import Cache
from projections.register import READ_MODELS
from shared.billing.contracts import CONTEXTS
from shared.framework.messaging.feed import FeedReader


async def verify(
    snapshot: AuditSnapshot,
    feeds: FeedReader,
    partitions: int,
    cache: Cache | None = None,
    progress: Progress = unseen,
) -> AuditReport:
    """Compare all rows, copies, archived events and indexes with the feeds, up to the snapshot's positions.

    The installation should be quiescent: invariants that span contexts (a paid invoice has its payment,
    usage is counted) hold once every event is consumed. Raises FeedUnavailable: then nothing is verified.
    """
    streams, archive = StreamCheck(partitions), HistoryCheck()
    usage = await usage_count_check(snapshot.live)
    events = (InvoiceCheck(), NumberDateCheck(), PaymentCheck(), ReadingCheck(), CommitmentCheck())
    checks = (streams, archive, usage, *events)
    rebuild = Rebuild(snapshot, feeds, partitions, READ_MODELS, checks, progress)
    await rebuild.run()
    report = AuditReport(events=rebuild.events)
    for model in READ_MODELS:
        progress(f"comparing {model.name}")
        report.rows[model.name], report.digests[model.name] = await snapshot.digest(model)
        report.differences += await snapshot.compare(model)
    progress("comparing the event archive, checking invariants")
    report.differences += [
        *rebuild.differences,
        *await _index_differences(snapshot, rebuild),
        *streams.differences,
        *await archive.compare(snapshot, CONTEXTS),
        *(difference for check in events for difference in check.finish()),
        *await usage.compare(snapshot.live),
        *await check_balances(snapshot.live),
        *await check_cached_rows(snapshot.live, cache, READ_MODELS),
    ]
    return report


async def _index_differences(snapshot: AuditSnapshot, rebuild: Rebuild) -> list[Difference]:
    """The differences of the customer index and of event times, which are derived from the feeds too."""
    streams, times = await snapshot.customer_streams(), await snapshot.latest_event_times()
    rebuilt = set(rebuild.event_times.values())
    found = []
    for entry in sorted(streams ^ rebuild.customer_streams):
        detail = f"{_side(entry in streams)} with customer {entry.customer_id}"
        found.append(Difference("customer index", entry.tenant_id, entry.stream_id, detail))
    for time in times ^ rebuilt:
        detail = f"{_side(time in times)} with newest event at {time.occurred_at}"
        found.append(Difference("freshness", time.tenant_id, f"{time.context} {time.partition}", detail))
    return found


def _side(served: bool) -> str:
    return "only served" if served else "only rebuilt"
