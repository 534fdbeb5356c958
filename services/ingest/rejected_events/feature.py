"""The rejected events feature of the ingest service."""

from services.ingest.acceptance.ports import DeduplicationStore
from services.ingest.rejected_events.routes import rejected_events_router
from shared.framework.process.feature import Feature


def rejected_events(store: DeduplicationStore) -> Feature:
    """The route that lists the rejected events of a store."""
    return Feature(routers=[rejected_events_router(store)])
