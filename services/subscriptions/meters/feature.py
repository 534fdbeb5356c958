"""What the subject meters adds to the subscriptions service."""

from services.subscriptions.meters.reactions import on_meter_defined
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.process.feature import Feature

METERS = Feature(subscribes_to=["metering"], reactors={MeterDefined: on_meter_defined})
