"""What acceptance adds to the ingest service."""

from services.ingest.acceptance.group_commit import UsageWriter
from services.ingest.acceptance.routes import EVENTS_PATH, EventsRoute, documented
from shared.framework.process.feature import Feature


def acceptance(writer: UsageWriter) -> Feature:
    """The feature; it subscribes to subscriptions for the tenants' test clocks."""
    events = EventsRoute(writer.submit)
    return Feature(
        routers=[documented(events)],
        raw_routes={EVENTS_PATH: events},
        subscribes_to=["subscriptions"],
        tasks={"writer": writer.run},
    )
