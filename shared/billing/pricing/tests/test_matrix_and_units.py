"""Prices by dimension values, and prices in units of a tenant's own."""

from decimal import Decimal

import msgspec
import pytest

from shared.billing.pricing import CustomUnits, Matrix, MatrixCell, PerUnit, Usage
from shared.billing.pricing.matrix import MatrixHasNoPrice, MatrixIsInvalid
from shared.billing.pricing.tests.usages import bill, shown, used
from shared.framework.core.refusals import Refusal


def cell(price: str, **values: str) -> MatrixCell:
    """A price per unit for these values."""
    return MatrixCell(values=values, price=PerUnit(unit_price=Decimal(price)))


BY_REGION = Matrix(dimensions=("region",), cells=(cell("0.10", region="eu"), cell("0.20", region="us")))
WITH_DEFAULT = msgspec.structs.replace(BY_REGION, default=PerUnit(unit_price=Decimal("0.50")))


def cost(price: Matrix, quantity: int, **dimensions: str) -> Decimal:
    """What this usage comes to."""
    return sum((step.amount for step in price.rate(used(quantity, **dimensions))), start=Decimal(0))


def test_usage_costs_the_price_of_its_cell() -> None:
    """Other dimensions of the meter do not matter."""
    assert cost(BY_REGION, 10, region="eu") == 1
    assert cost(BY_REGION, 10, region="us", tier="gold") == 2


def test_usage_without_a_cell_costs_the_default_or_is_refused() -> None:
    """Never in silence: what has no price is named."""
    assert cost(WITH_DEFAULT, 10, region="mars") == 5
    with pytest.raises(MatrixHasNoPrice, match="region=mars"):
        cost(BY_REGION, 10, region="mars")
    with pytest.raises(MatrixHasNoPrice, match="region="):
        cost(BY_REGION, 10)
    assert BY_REGION.rate(Usage(quantity=Decimal(0))) == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dimensions": ()}, ("dimensions",)),
        ({"dimensions": ("region", "region")}, ("dimensions",)),
        ({"cells": ()}, ("cells",)),
        ({"cells": (cell("1", tier="gold"),)}, ("cells", 0, "values")),
        ({"cells": (cell("1", region="eu"), cell("2", region="eu"))}, ("cells", 1, "values")),
        ({"cells": (cell("1", region="e\u200bu"),)}, ("cells", 0, "values", "region")),
        ({"cells": (cell("-1", region="eu"),)}, ("cells", 0, "price", "unit_price")),
        ({"default": PerUnit(unit_price=Decimal(-1))}, ("default", "unit_price")),
    ],
)
def test_a_matrix_that_leaves_doubt_is_refused(change: dict[str, object], field: tuple[str, ...]) -> None:
    """With the part that is wrong."""
    with pytest.raises(Refusal) as refused:
        msgspec.structs.replace(BY_REGION, **change).check()
    assert refused.value.field == field


def test_a_matrix_has_no_more_cells_than_fit_into_an_event() -> None:
    """Every period that it bills carries a copy of it."""
    many = tuple(cell("1", region=str(number)) for number in range(201))
    msgspec.structs.replace(BY_REGION, cells=many[:200]).check()
    with pytest.raises(MatrixIsInvalid):
        msgspec.structs.replace(BY_REGION, cells=many).check()


def in_credits(price: str, places: int, of: str = "1") -> CustomUnits:
    """Usage at so many credits a unit, rounded to these places, each at a price."""
    return CustomUnits(
        unit="credits",
        decimal_places=places,
        unit_price=Decimal(price),
        price=PerUnit(unit_price=Decimal(of)),
    )


def test_an_amount_of_units_is_rounded_to_its_own_precision() -> None:
    """Vector V3: 1.2345678 credits are 1.234568, half away from zero like money."""
    assert bill(in_credits("1", 6), "1.2345678") == Decimal("1.234568")
    assert bill(in_credits("0.5", 0), "2.5") == Decimal("1.5")


def test_the_steps_show_the_units_and_what_they_cost() -> None:
    """The inner price's steps cost nothing by themselves: they are amounts of credits."""
    steps = in_credits("0.01", 2, of="5").rate(used(120))
    assert shown(steps) == ["per unit: 120 x 5 = 600 credits: 0 x 0 = 0", "credits: 600 x 0.01 = 6"]


def test_matrix_and_units_in_words() -> None:
    """As a catalog page shows them."""
    assert WITH_DEFAULT.phrase("USD") == (
        "by region: 0.10 USD per unit for eu; 0.20 USD per unit for us; else 0.50 USD per unit"
    )
    assert BY_REGION.phrase("USD").endswith("for us; no other")
    assert in_credits("0.01", 2, of="5").phrase("USD") == "5 credits per unit; credits at 0.01 USD each"
