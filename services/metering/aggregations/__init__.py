"""The aggregations of meters: each is one file and one member of AGGREGATIONS."""

from collections.abc import Mapping

from services.metering.aggregations.aggregation import Aggregation
from services.metering.aggregations.count import COUNT
from services.metering.aggregations.max import MAX
from services.metering.aggregations.sum import SUM
from services.metering.aggregations.unique_count import UNIQUE_COUNT

_ALL = (COUNT, SUM, MAX, UNIQUE_COUNT)
AGGREGATIONS: Mapping[str, Aggregation] = {one.name: one for one in _ALL}
