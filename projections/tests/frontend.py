"""The HTTP application over a memory or Postgres read side, and a client for it with named callers."""

from collections.abc import Mapping
from typing import Any

import httpx2

from projections.api.endpoint import graphql_routes
from projections.api.history_routes import history_routes
from projections.api.schema import build_schema
from projections.engine.request_reader import ReadStores
from projections.tests.scenarios import ADA, TENANT
from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.http.app import create_app
from shared.framework.http.authorization import Credential, Role
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds

SCOPES = frozenset({"graphql:read", "events:read"})
CALLERS = {
    "viewer": Credential("vera", TENANT, Role.BILLING_VIEWER, SCOPES),
    "other": Credential("olaf", "other", Role.BILLING_VIEWER, SCOPES),
    "ada": Credential(ADA, TENANT, Role.CUSTOMER, SCOPES),
    "nobody": Credential("nemo", TENANT, Role.BILLING_VIEWER, frozenset()),
}


class Frontend:
    """A client of the application, as one of CALLERS."""

    def __init__(self, stores: ReadStores) -> None:
        app = create_app(
            "projections",
            [graphql_routes(build_schema(), stores), history_routes(stores.archive, stores.freshness)],
            store=MemoryEventStore("projections", FakeClock(), CONTRACTS),
            clock=FakeClock(),
            ids=SequentialIds(),
            authenticator=FakeAuthenticator(CALLERS),
            partitions=1,
        )
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://projections")

    async def execute(self, query: str, caller: str = "viewer", **variables: Any) -> dict[str, Any]:
        """The body of a response with status 200."""
        response = await self.post({"query": query, "variables": variables}, caller)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def data(self, query: str, caller: str = "viewer", **variables: Any) -> dict[str, Any]:
        """The data of a response without errors."""
        body = await self.execute(query, caller, **variables)
        assert "errors" not in body, body["errors"]
        data: dict[str, Any] = body["data"]
        return data

    async def post(self, body: Any, caller: str = "viewer") -> httpx2.Response:
        return await self.http.post("/graphql", json=body, headers={"authorization": f"Bearer {caller}"})

    async def history(self, params: Mapping[str, Any], caller: str = "viewer") -> httpx2.Response:
        headers = {"authorization": f"Bearer {caller}"}
        return await self.http.get("/v1/history", params=dict(params), headers=headers)
