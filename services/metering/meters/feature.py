"""The meters feature of the metering service."""

from services.metering.meters.handlers import MeterResumption
from services.metering.meters.ports import MeterRepository
from services.metering.meters.routes import meters_router
from shared.framework.process.feature import Feature


def meters(repository: MeterRepository) -> Feature:
    """Routes to define and read meters."""
    return Feature(routers=[meters_router(repository)], resume={"mtr": MeterResumption(repository).resume})
