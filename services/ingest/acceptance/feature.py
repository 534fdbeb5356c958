"""The acceptance feature of the ingest service."""

from services.ingest.acceptance.group_commit import GroupCommitWriter
from services.ingest.acceptance.handlers import BatchResumption
from services.ingest.acceptance.routes import EVENTS_PATH, EventsEndpoint, documented
from shared.framework.process.feature import Feature


def acceptance(writer: GroupCommitWriter, resumption: BatchResumption) -> Feature:
    """The route and the writer's task; subscribes to subscriptions for the tenants' test clocks."""
    endpoint = EventsEndpoint(writer.submit)
    return Feature(
        routers=[documented(endpoint)],
        raw_routes={EVENTS_PATH: endpoint},
        subscribes_to=["subscriptions"],
        tasks={"writer": writer.run},
        resume={"ub": resumption.accepted, "ur": resumption.rejected},
    )
