"""What holds for every price of every model of usage; a new model is tested by this at once."""

from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.billing.money import EXACT
from shared.billing.pricing import (
    Bucketed,
    CustomUnits,
    Dynamic,
    Graduated,
    GraduatedPercentage,
    Matrix,
    Percentage,
    PerUnit,
    RatingStep,
    Usage,
    UsageDetail,
    exact_sum,
)
from shared.billing.pricing.matrix import MatrixHasNoPrice
from shared.billing.pricing.price_json import PRICE_SCHEMA, read_price
from shared.billing.pricing.tests.any_price import MODELS, USAGE_MODELS, prices_of, quantities
from shared.framework.core.decimals import to_json

by_model = pytest.mark.parametrize("model", USAGE_MODELS, ids=lambda model: model.__struct_config__.tag)
RISING = [Graduated, PerUnit, Percentage, GraduatedPercentage, Dynamic]
"""Models that promise that more usage never costs less; volume, stairs and what holds them may."""
quickly = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def usage_of(price: Any, parts: list[Decimal], region: str = "eu") -> Usage:
    """A usage in the detail that the price needs."""
    detail = () if price.usage_detail is UsageDetail.TOTAL else tuple(parts)
    return Usage(quantity=sum(parts, start=Decimal(0)), parts=detail, dimensions={"region": region})


def steps_of(price: Any, parts: list[Decimal]) -> tuple[RatingStep, ...]:
    """The steps of a usage; none if a matrix has no price for it."""
    try:
        steps: tuple[RatingStep, ...] = price.rate(usage_of(price, parts))
    except MatrixHasNoPrice:
        return ()
    return steps


@by_model
@quickly
@given(data=st.data(), parts=st.lists(quantities, max_size=6))
def test_every_step_can_be_computed_again(model: Any, data: st.DataObject, parts: list[Decimal]) -> None:
    """Quantity x unit price + fee = amount, and the line is their sum, never below zero."""
    steps = steps_of(data.draw(prices_of(model)), parts)
    with localcontext(EXACT):
        assert all(step.quantity * step.unit_price + step.fee == step.amount for step in steps)
    assert exact_sum(steps) >= 0
    assert all(step.description.isprintable() for step in steps)


@by_model
@quickly
@given(data=st.data(), parts=st.lists(quantities, max_size=6))
def test_a_price_of_nothing_costs_nothing(model: Any, data: st.DataObject, parts: list[Decimal]) -> None:
    """Whatever is used, of whatever shape the price is."""
    free = _with_zeros(data.draw(prices_of(model)))
    assert exact_sum(steps_of(free, parts)) == 0


def _with_zeros(price: Any) -> Any:
    """The price with all its amounts zero, except bounds, sizes and what only lowers a bill."""
    kept = {"up_to", "package_size", "free_amount", "event_maximum"}
    changes: dict[str, Any] = {}
    for name in price.__struct_fields__:
        value = getattr(price, name)
        if isinstance(value, Decimal) and name not in kept:
            changes[name] = Decimal(0)
        elif isinstance(value, msgspec.Struct):
            changes[name] = _with_zeros(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            changes[name] = tuple(map(_with_zeros, value))
    return msgspec.structs.replace(price, **changes)


@by_model
@quickly
@given(data=st.data(), parts=st.lists(quantities, max_size=6))
def test_a_net_below_zero_costs_what_nothing_costs(
    model: Any, data: st.DataObject, parts: list[Decimal]
) -> None:
    """Billing rule 3, and for each part of prices by part."""
    price = data.draw(prices_of(model))
    below = [-part for part in parts] or [Decimal(-1)]
    zeros = [Decimal(0) for _ in below]
    assert exact_sum(steps_of(price, below)) == exact_sum(steps_of(price, zeros))


@pytest.mark.parametrize("model", RISING, ids=lambda model: model.__struct_config__.tag)
@quickly
@given(data=st.data(), parts=st.lists(quantities, max_size=6), more=quantities)
def test_more_usage_never_costs_less(
    model: Any, data: st.DataObject, parts: list[Decimal], more: Decimal
) -> None:
    """For those models that promise it."""
    price = data.draw(prices_of(model))
    assert exact_sum(steps_of(price, parts)) <= exact_sum(steps_of(price, [*parts, more]))


@by_model
@quickly
@given(data=st.data(), parts=st.lists(quantities, max_size=6))
def test_the_order_of_the_parts_is_of_no_account(
    model: Any, data: st.DataObject, parts: list[Decimal]
) -> None:
    """Except where the first events are free, which goes by the order of time."""
    price = data.draw(prices_of(model))
    inner = price.price if isinstance(price, CustomUnits) else price
    if isinstance(inner, Percentage) and (inner.free_events is not None or inner.free_amount is not None):
        return
    shuffled = data.draw(st.permutations(parts))
    assert exact_sum(steps_of(price, parts)) == exact_sum(steps_of(price, shuffled))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__struct_config__.tag)
@quickly
@given(data=st.data())
def test_every_price_has_a_phrase_and_a_json(model: Any, data: st.DataObject) -> None:
    """What is shown can be posted again, and the phrase is one line of words without an exponent."""
    price = data.draw(prices_of(model))
    assert read_price(to_json(price)) == price
    phrase = price.phrase("USD")
    assert phrase.isprintable()
    assert not any(part in phrase for part in ("E-", "E+"))
    assert not phrase.endswith(".")


def test_the_schema_documents_every_model() -> None:
    """One alternative for each, by the value of its field `model`."""
    documented = [one["properties"]["model"]["enum"] for one in PRICE_SCHEMA["oneOf"]]
    assert sorted(documented) == sorted([model.__struct_config__.tag] for model in MODELS)


def test_the_models_that_need_more_than_a_total_declare_it() -> None:
    """In their type, or by their fields: metering reads what a price names."""
    one = PerUnit(unit_price=Decimal(1))
    assert Percentage.usage_detail is UsageDetail.EVENTS
    assert [Bucketed(bucket=each, price=one).usage_detail for each in ("hour", "day", "month")] == [
        UsageDetail.HOURS,
        UsageDetail.DAYS,
        UsageDetail.MONTHS,
    ]
    in_points = CustomUnits(
        unit="points", decimal_places=0, unit_price=Decimal(1), price=Percentage(percent=Decimal(1))
    )
    assert in_points.usage_detail is UsageDetail.EVENTS
    assert Matrix.usage_detail is UsageDetail.TOTAL
