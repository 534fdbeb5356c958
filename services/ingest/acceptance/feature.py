"""What acceptance adds to the ingest service."""

from services.ingest.acceptance.group_commit import GroupCommitWriter
from services.ingest.acceptance.routes import EVENTS_PATH, EventsEndpoint, documented
from shared.framework.process.feature import Feature


def acceptance(writer: GroupCommitWriter) -> Feature:
    """The feature; it subscribes to subscriptions for the tenants' test clocks."""
    events = EventsEndpoint(writer.submit)
    return Feature(
        routers=[documented(events)],
        raw_routes={EVENTS_PATH: events},
        subscribes_to=["subscriptions"],
        tasks={"writer": writer.run},
    )
