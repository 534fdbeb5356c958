"""The meters feature of the metering service."""

from services.metering.meters.postgres import PostgresMeterRepository
from services.metering.meters.routes import meters_router
from shared.framework.process.feature import Feature


def meters(repository: PostgresMeterRepository) -> Feature:
    """Routes to define and read meters."""
    return Feature(routers=[meters_router(repository)], resume={"mtr": repository.resume})
