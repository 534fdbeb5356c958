"""What usage queries add to the metering service."""

from services.metering.meters.ports import MeterRepository
from services.metering.rollups.ports import RollupStore
from services.metering.usage_queries.routes import usage_router
from shared.framework.process.feature import Feature


def usage_queries(book: MeterRepository, rollups: RollupStore, partitions: int) -> Feature:
    """The feature, over meters and rollups."""
    return Feature(routers=[usage_router(book, rollups, partitions)])
