"""The usage queries feature of the metering service."""

from services.metering.meters.ports import MeterRepository
from services.metering.rollups.ports import RollupStore
from services.metering.usage_queries.routes import usage_router
from shared.framework.process.feature import Feature


def usage_queries(meters: MeterRepository, rollups: RollupStore, partitions: int) -> Feature:
    """The route that reads usage."""
    return Feature(routers=[usage_router(meters, rollups, partitions)])
