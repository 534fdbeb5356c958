"""The usage queries feature of the metering service."""

from services.metering.backfills.backfill import MeterBackfill
from services.metering.rollups.ports import RollupStore
from services.metering.usage_queries.routes import usage_router
from shared.framework.process.feature import Feature


def usage_queries(backfill: MeterBackfill, rollups: RollupStore) -> Feature:
    """The route that reads usage."""
    return Feature(routers=[usage_router(backfill, rollups)])
