"""What meters add to the metering service."""

from services.metering.meters.ports import MeterRepository
from services.metering.meters.routes import meters_router
from shared.framework.process.feature import Feature


def meters(book: MeterRepository) -> Feature:
    """The feature, over the stored meters."""
    return Feature(routers=[meters_router(book)])
