"""count: the number of events."""

from services.metering.aggregations.aggregation import Aggregation

COUNT = Aggregation("count", needs_value=False, is_additive=True, read=lambda _: 1)
