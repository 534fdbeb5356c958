"""max: the greatest of the events' values."""

from services.metering.aggregations.aggregation import Aggregation, Combination
from shared.billing.usage_quantity import quantity_of

MAX = Aggregation("max", needs_value=True, combination=Combination.MAXIMUM, read=quantity_of)
