"""GraphQL types of rows declare fields; a field that the row lacks is found at import, not by a query."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from projections.engine.read_model import StoredRow
from projections.graphql.row_types import SCALARS, attribute, field_value, of_row
from projections.read_models.meters.projection import METERS
from shared.billing.pricing import RatingStep


def test_a_field_that_the_row_has_not_is_refused() -> None:
    """A misspelt field would be an error at every response."""
    with pytest.raises(TypeError, match=r"Wrong: .*MeterRow.* has no colour, name"):

        @of_row(METERS)
        class Wrong:
            """Wrong."""

            id: strawberry.ID
            updated_at: datetime
            key: str
            name: str
            colour: str
            called: str = attribute("anything")


def test_only_rows_of_read_models_have_an_id_and_a_date_of_their_own() -> None:
    """A struct inside a row has what it declares."""
    with pytest.raises(TypeError, match="has no id, updated_at"):

        @of_row(RatingStep)
        class Wrong:
            """Wrong."""

            id: strawberry.ID
            updated_at: datetime
            quantity: Decimal


def test_a_number_is_spelt_without_an_exponent() -> None:
    """A client parses decimals, not the notation of one language."""

    @of_row(RatingStep)
    class Step:
        """A step."""

        quantity: Decimal

    @strawberry.type
    class Query:
        step: Step

    step = RatingStep(description="", quantity=Decimal("1E+3"), unit_price=Decimal(1), amount=Decimal(1000))
    stored = StoredRow("acme", "1", step, 1, datetime(2026, 1, 1, tzinfo=UTC), 1)
    config = StrawberryConfig(scalar_map=SCALARS, default_resolver=field_value)
    schema = strawberry.Schema(query=Query, config=config)
    response = schema.execute_sync("{ step { quantity } }", root_value=SimpleNamespace(step=stored))
    assert (response.data, response.errors) == ({"step": {"quantity": "1000"}}, None)
