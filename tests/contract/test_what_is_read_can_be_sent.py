"""A price that GraphQL or REST shows can be posted again, and is then the same price."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from strawberry.scalars import JSON

from projections.graphql.row_types import SCALARS
from services.subscriptions.plans.schemas import PriceBody
from shared.billing.pricing import Flat, Graduated, PerUnit, Price, Tier

_BODY: TypeAdapter[Price] = TypeAdapter(PriceBody)

_amounts = st.integers(0, 10**20 - 1).flatmap(
    lambda digits: st.integers(0, 12).map(lambda places: Decimal(digits).scaleb(-places))
)
_tiers = st.tuples(_amounts, _amounts, _amounts).map(
    lambda of: (
        Tier(up_to=of[0], unit_price=of[1], flat_fee=of[2]),
        Tier(up_to=None, unit_price=of[2], flat_fee=of[1]),
    )
)
_prices = st.one_of(
    _amounts.map(lambda amount: Flat(amount=amount)),
    _amounts.map(lambda amount: PerUnit(unit_price=amount)),
    _tiers.map(lambda tiers: Graduated(tiers=tiers)),
)


@given(_prices)
def test_a_price_can_be_posted_as_it_is_shown(price: Price) -> None:
    """Also very small ones: Decimal's own text of 0.00000015 is 1.5E-7, which is no amount."""
    by_graphql = SCALARS[JSON].serialize
    assert by_graphql is not None
    for shown in (by_graphql(price), json.loads(_BODY.dump_json(price))):
        assert _BODY.validate_python(shown) == price
