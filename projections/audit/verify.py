"""The whole audit: rebuild read models, compare every row and byte, check docs/invariants.md."""

from projections.audit.balance_checks import check_balances
from projections.audit.cache_checks import check_cached_rows
from projections.audit.money_checks import InvoiceCheck, PaymentCheck
from projections.audit.port import AuditSnapshot
from projections.audit.rebuild import Rebuild
from projections.audit.report import AuditReport, Difference
from projections.audit.stream_checks import HistoryCheck, StreamCheck
from projections.audit.usage_checks import UsageCountCheck
from projections.engine.cache.cache import Cache
from projections.register import READ_MODELS
from shared.billing.contracts import CONTEXTS
from shared.framework.messaging.feed import FeedReader


async def verify(
    snapshot: AuditSnapshot, feeds: FeedReader, partitions: int, cache: Cache | None = None
) -> AuditReport:
    """Compare all that is served with all that was told, as of the snapshot. FeedUnavailable proves nothing.

    The installation should be quiescent: invariants that span contexts (a paid invoice has its payment,
    usage is counted) hold once every event has been consumed.
    """
    streams, heard, counted = StreamCheck(partitions), HistoryCheck(), UsageCountCheck()
    documents, collected = InvoiceCheck(), PaymentCheck()
    rebuild = Rebuild(
        snapshot, feeds, partitions, READ_MODELS, (streams, heard, counted, documents, collected)
    )
    await rebuild.run()
    report = AuditReport(events=rebuild.events)
    for model in READ_MODELS:
        report.rows[model.name], report.digests[model.name] = await snapshot.digest(model)
        report.differences += await snapshot.compare(model)
    report.differences += [
        *rebuild.differences,
        *await _index_differences(snapshot, rebuild),
        *streams.differences,
        *await heard.compare(snapshot, CONTEXTS),
        *documents.finish(),
        *collected.finish(),
        *await counted.compare(snapshot.live),
        *await check_balances(snapshot.live),
        *await check_cached_rows(snapshot.live, cache, READ_MODELS),
    ]
    return report


async def _index_differences(snapshot: AuditSnapshot, rebuild: Rebuild) -> list[Difference]:
    """What finds and dates rows is derived too, and must be what the feeds say."""
    mentions = await snapshot.customer_streams() ^ rebuild.mentions
    moments = await snapshot.latest_event_times() ^ set(rebuild.moments.values())
    return [
        *(
            Difference(
                "history mentions", one.tenant_id, one.stream_id, f"mentions {one.customer_id}, or not"
            )
            for one in sorted(mentions)
        ),
        *(
            Difference(
                "freshness", one.tenant_id, f"{one.context} {one.partition}", f"{one.occurred_at}, or not"
            )
            for one in moments
        ),
    ]
