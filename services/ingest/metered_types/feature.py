"""The metered types feature of the ingest service."""

from services.ingest.metered_types.ports import MeteredTypes
from services.ingest.metered_types.reactions import MeteredTypeReactions
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.process.feature import Feature


def metered_types(types: MeteredTypes) -> Feature:
    """Subscribes to metering for the types that its meters count."""
    reactions = MeteredTypeReactions(types)
    return Feature(subscribes_to=["metering"], reactors={MeterDefined: reactions.on_meter_defined})
