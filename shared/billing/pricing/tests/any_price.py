"""Random prices of any model, for property tests; a model of plain amounts needs nothing here."""

from decimal import Decimal
from functools import cache
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from shared.billing.pricing import Matrix, MatrixCell, Price
from shared.framework.core.refusals import Refusal

MODELS: list[Any] = list(get_args(Price))
USAGE_MODELS: list[Any] = [model for model in MODELS if model.needs_meter]

amounts = st.decimals(0, 10**6, places=4, allow_nan=False, allow_infinity=False)
quantities = st.decimals(0, 10**6, places=3, allow_nan=False, allow_infinity=False)
tiny = st.integers(0, 999).map(lambda digits: Decimal(digits).scaleb(-12))
"""Amounts whose own text by Python has an exponent: 1.5E-10."""
bounds = st.lists(st.decimals(Decimal("0.001"), 10**6, places=3), max_size=4, unique=True).map(sorted)


@cache
def prices_of(model: Any) -> st.SearchStrategy[Any]:
    """Prices of a model that may be published."""
    return _structs(msgspec.inspect.type_info(model)).filter(_is_valid)


def _is_valid(price: Any) -> bool:
    try:
        price.check()
    except Refusal:
        return False
    return True


def _structs(kind: Any) -> st.SearchStrategy[Any]:
    if kind.cls is Matrix:
        return _matrices(kind)
    return st.fixed_dictionaries({field.name: _values(field) for field in kind.fields}).map(
        lambda values: kind.cls(**values)
    )


def _values(field: Any) -> st.SearchStrategy[Any]:
    if field.name == "tiers":
        return bounds.flatmap(
            lambda tops: st.tuples(*(_tier(field.type.item_type, top) for top in [*tops, None]))
        )
    return _of_type(field.type)


def _tier(kind: Any, up_to: Decimal | None) -> st.SearchStrategy[Any]:
    rest = {field.name: amounts for field in kind.fields if field.name != "up_to"}
    return st.fixed_dictionaries(rest).map(lambda values: kind.cls(up_to=up_to, **values))


def _of_type(kind: Any) -> st.SearchStrategy[Any]:
    match kind:
        case msgspec.inspect.DecimalType():
            return amounts | tiny
        case msgspec.inspect.IntType():
            return st.integers(0, 6)
        case msgspec.inspect.StrType():
            return st.sampled_from(["credits", "points"])
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.LiteralType():
            return st.sampled_from(kind.values)
        case msgspec.inspect.UnionType():
            return st.one_of(*map(_of_type, kind.types))
    return _structs(kind)


@st.composite
def _matrices(draw: st.DrawFn, kind: Any) -> Matrix:
    """Prices by region, which the usages of these tests may have or not."""
    inner = next(_of_type(field.type.types[0]) for field in kind.fields if field.name == "default")
    regions = draw(st.lists(st.sampled_from(["eu", "us", "asia"]), min_size=1, unique=True))
    cells = tuple(MatrixCell(values={"region": region}, price=draw(inner)) for region in regions)
    return Matrix(dimensions=("region",), cells=cells, default=draw(st.one_of(st.none(), inner)))
