"""Stories of meters, and what of an event they look at."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from services.metering.aggregations import AGGREGATIONS
from services.metering.aggregations.value_path import text_of, value_at
from services.metering.meters.decider import (
    METER,
    AggregationIsUnknown,
    DefineMeter,
    MeterExists,
    PathIsInvalid,
    ValuePathIsMissing,
    ValuePathIsUseless,
)
from services.metering.tests.usage import NOON, meter
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.usage_quantity import quantity_of
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
    for path in ("", ".", "a..b", "a.", "a\0b", ".".join("abcdefghi"), "x" * 65):
        meters.when(define(value_path=path)).refuses(PathIsInvalid)
        meters.when(define(group_by=(path,))).refuses(PathIsInvalid)
        meters.when(define(filter={path: ("x",)})).refuses(PathIsInvalid)


@pytest.mark.parametrize(
    ("json", "quantity"),
    [
        ("3", 3),
        ("-0.25", Decimal("-0.25")),
        ('"1e3"', Decimal(1000)),
        ("0.000000000001", Decimal("1e-12")),
        ("99999999999999999999", Decimal(10**20 - 1)),
        ("100000000000000000000", None),
        ("0.0000000000001", None),
        ("1e1000000", None),
        ('"1e1000000"', None),
        ('"NaN"', None),
        ('"Infinity"', None),
        ('"１２"', None),
        ('"1_000"', None),
        ('" 1"', None),
        ('""', None),
        ("true", None),
        ("null", None),
        ("[1]", None),
    ],
)
def test_a_quantity_is_an_exact_bounded_number_or_none_at_all(json: str, quantity: Decimal | None) -> None:
    """Up to 20 digits, 12 after the point; whatever else is there is not guessed at."""
    value: Any = msgspec.json.Decoder(float_hook=Decimal).decode(json.encode())
    assert quantity_of(value) == quantity


def test_equal_values_are_one_and_different_ones_are_not() -> None:
    """Numbers by what they are worth, texts by what they say, and never one for the other."""
    digest = AGGREGATIONS["unique_count"].read
    different: list[Any] = [1, "1", True, "True", Decimal("1.5"), "", 10**25]
    assert digest(1) == digest(Decimal("1.0")) == digest(Decimal("1E+0"))
    assert digest(Decimal("2.50")) == digest(Decimal("2.5"))
    assert len(set(map(digest, different))) == len(different)
    assert [digest(None), digest([]), digest({})] == [None, None, None]


def test_values_are_found_by_path_and_spelt_in_one_way() -> None:
    """Nothing there is the empty text; what has no short text cannot be a dimension."""
    leg: dict[str, Any] = {"origin": "JFK", "miles": Decimal("1.50"), "direct": True, "stops": []}
    data: dict[str, Any] = {"leg": leg}
    assert value_at(data, ("leg", "origin")) == "JFK"
    assert value_at(data, ("leg", "origin", "city")) is None
    assert value_at(data, ("none", "there")) is None
    assert [text_of(value) for value in leg.values()] == ["JFK", "1.50", "true", None]
    assert (text_of(None), text_of("x" * 257)) == ("", None)
