"""The whole audit: rebuild beside, compare every row and every byte, hold everything to the laws."""

from projections.audit.balances import balances_that_do_not_add_up, hot_balances_that_differ
from projections.audit.money_checks import Collected, Documents
from projections.audit.port import Snapshot
from projections.audit.rebuild import Rebuild
from projections.audit.report import Difference, Report
from projections.audit.stream_checks import Heard, Streams
from projections.audit.usage_checks import Counted
from projections.engine.cache.cache import Cache
from projections.register import READ_MODELS
from shared.billing.contracts import CONTEXTS
from shared.framework.messaging.feed import FeedReader


async def verify(
    snapshot: Snapshot, feeds: FeedReader, partitions: int, cache: Cache | None = None
) -> Report:
    """Compare all that is served with all that was told, as of the snapshot. FeedFailed proves nothing.

    The house should be settled: laws that span contexts (a paid invoice has its payment, usage is
    counted) hold once everybody has heard everything.
    """
    streams, heard, counted = Streams(partitions), Heard(), Counted()
    documents, collected = Documents(), Collected()
    rebuild = Rebuild(snapshot, feeds, partitions, (streams, heard, counted, documents, collected))
    await rebuild.run()
    report = Report(events=rebuild.events)
    for model in READ_MODELS:
        report.rows[model.name], report.digests[model.name] = await snapshot.measure(model)
        report.differences += await snapshot.compare(model)
    report.differences += [
        *rebuild.differences,
        *await _index_differences(snapshot, rebuild),
        *streams.differences,
        *await heard.compare(snapshot, CONTEXTS),
        *documents.finish(),
        *collected.finish(),
        *await counted.compare(snapshot.live),
        *await balances_that_do_not_add_up(snapshot.live),
        *await hot_balances_that_differ(snapshot.live, cache),
    ]
    return report


async def _index_differences(snapshot: Snapshot, rebuild: Rebuild) -> list[Difference]:
    """What finds and dates rows is derived too, and must be what the feeds say."""
    mentions = await snapshot.mentions() ^ rebuild.mentions
    moments = await snapshot.moments() ^ set(rebuild.moments.values())
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
