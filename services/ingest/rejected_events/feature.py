"""What rejected events add to the ingest service."""

from services.ingest.acceptance.ports import DeduplicationStore
from services.ingest.rejected_events.routes import rejected_events_router
from shared.framework.process.feature import Feature


def rejected_events(log: DeduplicationStore) -> Feature:
    """The feature, over the log that acceptance writes."""
    return Feature(routers=[rejected_events_router(log)])
