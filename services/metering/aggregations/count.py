"""count: the number of events."""

from services.metering.aggregations.aggregation import Aggregation, Combination

COUNT = Aggregation("count", needs_value=False, combination=Combination.SUM, read=lambda _: 1)
