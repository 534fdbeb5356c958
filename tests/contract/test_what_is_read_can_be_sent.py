"""A price that GraphQL or REST shows can be posted again, and is then the same price."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from strawberry.scalars import JSON

from projections.graphql.row_types import SCALARS
from services.subscriptions.plans.schemas import PriceBody
from shared.billing.pricing import Price
from shared.billing.pricing.tests.any_price import MODELS, prices_of

_BODY: TypeAdapter[Price] = TypeAdapter(PriceBody)

_prices = st.one_of(*map(prices_of, MODELS))


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(_prices)
def test_a_price_can_be_posted_as_it_is_shown(price: Price) -> None:
    """Also very small ones: Decimal's own text of 0.00000015 is 1.5E-7, which is no amount."""
    by_graphql = SCALARS[JSON].serialize
    assert by_graphql is not None
    for shown in (by_graphql(price), json.loads(_BODY.dump_json(price))):
        assert _BODY.validate_python(shown) == price
