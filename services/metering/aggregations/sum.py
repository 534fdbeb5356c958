"""sum: the exact sum of the events' values."""

from services.metering.aggregations.aggregation import Aggregation
from shared.billing.usage_quantity import quantity_of

SUM = Aggregation("sum", needs_value=True, is_additive=True, read=quantity_of)
