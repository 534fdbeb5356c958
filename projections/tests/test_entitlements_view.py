"""Entitlements of customers and plans in GraphQL."""

from projections.tests.conftest import ReadSide, stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import Contexts, a_customer, a_plan, deliver, some_entitlements

ENTITLEMENTS = """query($id: ID!) { customer(id: $id) {
  entitlements { key kind limit meterKey subscriptionIds } } }"""


async def test_a_customer_is_shown_with_what_it_is_entitled_to(either_side: ReadSide) -> None:
    """By all its subscriptions together; what one gave before is gone."""
    contexts, frontend = Contexts(), Frontend(stores_of(either_side))
    ada, bob = await a_customer(contexts, "ada"), await a_customer(contexts, "bob")
    await some_entitlements(contexts, ada)
    await deliver(contexts, either_side.projector, either_side.store)
    assert (await frontend.data(ENTITLEMENTS, id=ada))["customer"]["entitlements"] == [
        {
            "key": "seats",
            "kind": "limit",
            "limit": "25",
            "meterKey": None,
            "subscriptionIds": ["sub_1", "sub_2"],
        }
    ]
    assert (await frontend.data(ENTITLEMENTS, id=bob))["customer"]["entitlements"] == []


async def test_a_plan_version_is_shown_with_its_entitlements(either_side: ReadSide) -> None:
    """In the order in which they were published."""
    contexts, frontend = Contexts(), Frontend(stores_of(either_side))
    await a_plan(contexts)
    await deliver(contexts, either_side.projector, either_side.store)
    query = "{ plans { edges { node { versions { entitlements { key kind limit meterKey } } } } } }"
    [version] = (await frontend.data(query))["plans"]["edges"][0]["node"]["versions"]
    assert version["entitlements"] == [
        {"key": "sso", "kind": "boolean", "limit": None, "meterKey": None},
        {"key": "seats", "kind": "limit", "limit": "10", "meterKey": None},
    ]
