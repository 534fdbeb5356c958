"""Stories of meters, and what of an event they look at."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from services.metering.aggregations import AGGREGATIONS
from services.metering.aggregations.aggregation import Aggregation, Combination
from services.metering.meters.decider import (
    METER,
    AggregationIsUnknown,
    DefineMeter,
    MeterExists,
    MeterIsUnknown,
    PathIsInvalid,
    ReportUnreadableUsage,
    ValuePathIsMissing,
    ValuePathIsUseless,
)
from services.metering.tests.usage import NOON, meter
from shared.billing.contracts.metering.meters import MeterDefined, UnreadableUsageFound
from shared.framework.testing.spec import Spec

meters = Spec(METER)


def define(**changes: Any) -> DefineMeter:
    fields: dict[str, Any] = {
        "meter_id": meter("miles").meter_id,
        "key": "miles",
        "event_type": "flight",
        "aggregation": "sum",
        "value_path": "leg.miles",
        "group_by": ("origin", "carrier", "origin"),
        "filter": {"origin": ("LGA", "JFK")},
        "defined_at": NOON,
        **changes,
    }
    return DefineMeter(MeterDefined(**fields))


DEFINED = meter(
    "miles",
    "sum",
    value_path="leg.miles",
    group_by=("carrier", "origin"),
    filter={"origin": ("JFK", "LGA")},
)

FOUND = UnreadableUsageFound(
    meter_id=DEFINED.meter_id,
    meter_key="miles",
    unreadable_count=3,
    reason="not-a-number",
    path="leg.miles",
    source="gate",
    event_id="7",
    subject="UA",
    time=NOON,
    found_at=NOON,
)


def test_a_meter_is_defined_once_in_one_spelling() -> None:
    """Order and repetition of dimensions and texts mean nothing, so they are put in order."""
    meters.when(define()).then(DEFINED)


def test_the_same_definition_again_is_the_same_meter() -> None:
    """Whenever it is asked, and in whatever order."""
    meters.given(DEFINED).when(define(group_by=("origin", "carrier"))).then_nothing()


def test_another_definition_needs_another_key() -> None:
    """What was metered stays what it is."""
    meters.given(DEFINED).when(define(group_by=())).refuses(MeterExists)
    meters.given(DEFINED).when(define(event_type="bus")).refuses(MeterExists)


def test_a_meter_that_could_not_count_is_refused() -> None:
    """Better now than at the first event."""
    meters.when(define(aggregation="median")).refuses(AggregationIsUnknown)
    meters.when(define(value_path=None)).refuses(ValuePathIsMissing)
    meters.when(define(aggregation="count")).refuses(ValuePathIsUseless)
    for path in ("", ".", "a..b", "a.", "a\0b", ".".join("abcdefghi"), "x" * 65, "$", "$.a[0]", "$..a"):
        meters.when(define(value_path=path)).refuses(PathIsInvalid)
        meters.when(define(group_by=(path,))).refuses(PathIsInvalid)
        meters.when(define(filter={path: ("x",)})).refuses(PathIsInvalid)


def test_a_path_of_json_path_is_its_dotted_names() -> None:
    """The same meter, however it is written; also if it was stored before this was understood."""
    json_paths = {"group_by": ("$.origin", "carrier"), "filter": {"$.origin": ("JFK", "LGA")}}
    meters.when(define(value_path="$.leg.miles", **json_paths)).then(DEFINED)
    meters.given(DEFINED).when(define(value_path="$.leg.miles")).then_nothing()
    meters.given(replace(DEFINED, value_path="$.leg.miles")).when(define()).then_nothing()
    meters.when(define(filter={"origin": ("JFK",), "$.origin": ("LGA",)})).refuses(PathIsInvalid)


def test_unreadable_usage_is_reported_when_its_number_has_changed() -> None:
    """Of a meter that there is."""
    meters.given(DEFINED).when(ReportUnreadableUsage(FOUND)).then(FOUND)
    meters.given(DEFINED, FOUND).when(ReportUnreadableUsage(FOUND)).then_nothing()
    meters.given(DEFINED, FOUND).when(define()).then_nothing()
    more = replace(FOUND, unreadable_count=4)
    meters.given(DEFINED, FOUND).when(ReportUnreadableUsage(more)).then(more)
    meters.when(ReportUnreadableUsage(FOUND)).refuses(MeterIsUnknown)


def test_equal_values_are_one_and_different_ones_are_not() -> None:
    """By their canonical text: 1, 1.0 and the text 1 are one value; what has no text cannot be counted."""
    digest = AGGREGATIONS["unique_count"].read
    different: list[Any] = [1, "1.0", True, "True", Decimal("1.5"), "", 10**25]
    assert digest(1) == digest(Decimal("1.0")) == digest(Decimal("1E+0")) == digest("1")
    assert digest(Decimal("2.50")) == digest(Decimal("2.5"))
    assert len(set(map(digest, different))) == len(different)
    assert [digest(None), digest([]), digest({})] == [None, None, None]


@pytest.mark.parametrize("aggregation", AGGREGATIONS.values(), ids=lambda one: one.name)
def test_a_definition_says_whether_single_events_can_be_priced(aggregation: Aggregation) -> None:
    """Plans learn it from the event; a reading has values of events wherever they are numbers."""
    defined = meter("any", aggregation.name)
    assert defined.has_event_values is (aggregation.combination is not Combination.DIFFERENT)
