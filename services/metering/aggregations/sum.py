"""sum: the exact sum of the events' values."""

from services.metering.aggregations.aggregation import Aggregation, Combination
from shared.billing.usage_quantity import quantity_of

SUM = Aggregation("sum", needs_value=True, combination=Combination.SUM, read=quantity_of)
