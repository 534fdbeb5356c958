"""The rollups feature of the metering service."""

from services.metering.rollups.consumer import RollupConsumer
from shared.framework.process.feature import Feature


def rollups(consumer: RollupConsumer) -> Feature:
    """Consumes usage in batches, each written in the transaction of its inbox position."""
    return Feature(subscribes_to=["ingest"], handler=consumer)
