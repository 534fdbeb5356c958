"""What the role `customer` sees in GraphQL: of every root field only rows that belong to that customer."""

from importlib import import_module
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLObjectType, build_schema, get_named_type

from projections.api.schema import build_schema as served_schema
from projections.engine.read_model import AnyModel
from projections.register import READ_MODELS
from projections.tests.conftest import stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import ADA, BOB, Contexts, MemoryReadSide, a_year_in_short, deliver

SCHEMA = build_schema(served_schema().as_str())
ROOT: dict[str, GraphQLField] = SCHEMA.type_map["Query"].fields  # type: ignore[attr-defined]
MODELS: dict[str, AnyModel] = {
    name: kind.__read_model__
    for model in READ_MODELS
    for name, kind in vars(import_module(f"projections.read_models.{model.name}.graphql")).items()
    if getattr(kind, "__read_model__", None) is not None
}
WITHOUT_ROWS = {"freshness"}
"""Positions and the tenant's newest event times; nothing of a customer."""
BY_CUSTOMER = {"balance": '{{ balance(customerId: "{id}", currency: "USD") {{ customerId }} }}'}


@pytest.fixture
async def side() -> MemoryReadSide:
    contexts, side = Contexts(), MemoryReadSide()
    await a_year_in_short(contexts)
    await deliver(contexts, side.projector, side.store)
    return side


def owned(side: MemoryReadSide, model: AnyModel) -> tuple[set[str], set[str]]:
    """The ids of Ada's rows, and of all others."""
    mine = {ADA, "ada"}  # her customer id, and the subject of her usage
    rows = side.rows.table(model).values()
    hers = {one.id for one in rows if model.owner and getattr(one.row, model.owner) in mine}
    return hers, {one.id for one in rows} - hers


def model_of(field: GraphQLField) -> tuple[AnyModel, bool]:
    """The read model of a root field, and whether it is a list of its rows."""
    kind: Any = get_named_type(field.type)
    is_list = "edges" in kind.fields
    if is_list:
        kind = get_named_type(get_named_type(kind.fields["edges"].type).fields["node"].type)
    assert isinstance(kind, GraphQLObjectType)
    return MODELS[kind.name], is_list


@pytest.mark.parametrize("name", sorted(ROOT.keys() - WITHOUT_ROWS))
async def test_a_root_field_shows_a_customer_only_their_own_rows(side: MemoryReadSide, name: str) -> None:
    """Generated over the schema: a new root field is tested, or fails because its rows are unknown here."""
    frontend = Frontend(stores_of(side))
    if name in BY_CUSTOMER:
        seen = [await frontend.data(BY_CUSTOMER[name].format(id=one), "ada") for one in (ADA, BOB)]
        assert seen == [{name: {"customerId": ADA}}, {name: None}]
        return
    model, is_list = model_of(ROOT[name])
    hers, others = owned(side, model)
    if is_list:
        data = await frontend.data(f"{{ {name}(first: 100) {{ edges {{ node {{ id }} }} }} }}", "ada")
        assert {edge["node"]["id"] for edge in data[name]["edges"]} == hers
        return
    for row_id in hers | others:
        data = await frontend.data(f'{{ {name}(id: "{row_id}") {{ id }} }}', "ada")
        assert data[name] == ({"id": row_id} if row_id in hers else None)
