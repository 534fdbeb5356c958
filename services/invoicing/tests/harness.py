"""The invoicing service in the test's process: its routes and reactions over one event store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import httpx2

from services.invoicing.main import FEATURES
from services.invoicing.tests.scenarios import LATER
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.framework.core.event import Event
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.http.app import create_app
from shared.framework.http.authorization import Credential, Role
from shared.framework.process.feature import merged_handler
from shared.framework.testing.event_records import deliver, event_record, history
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller

SCOPES = ("invoices:write", "tax:write", "invoices:read", "tax:read")
CALLERS = {
    "admin": caller("acme", *SCOPES),
    "stranger": caller("other", *SCOPES),
    "reader": caller("acme", "events:read"),
    "cus_1": Credential("cus_1", "acme", Role.CUSTOMER, frozenset(SCOPES)),
    "cus_2": Credential("cus_2", "acme", Role.CUSTOMER, frozenset(SCOPES)),
}


class Harness:
    """A client of the service that also delivers events of other contexts to it."""

    def __init__(self, store: Store | None = None) -> None:
        self.clock = FakeClock(LATER)
        self.store = store or MemoryEventStore("invoicing", self.clock, CONTRACTS)
        self.handler = merged_handler(FEATURES, self.clock)
        self.requests = 0
        app = create_app(
            "invoicing",
            [router for feature in FEATURES for router in feature.routers],
            store=self.store,
            clock=self.clock,
            ids=SequentialIds(),
            authenticator=FakeAuthenticator(CALLERS),
            partitions=4,
        )
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://invoicing.test"
        )

    async def deliver(
        self, *events: Event, at: datetime = LATER, tenant: str = "acme", test_clock: bool = False
    ) -> None:
        """Deliver events, in this order, in one commit."""
        records = [event_record(event, at, tenant=tenant, test_clock=test_clock) for event in events]
        await deliver(self.store, self.handler, *records)

    async def request(
        self, method: str, path: str, body: object = None, *, token: str = "admin", key: str | None = None
    ) -> httpx2.Response:
        """Send a request, under a new idempotency key unless one is given."""
        self.requests += 1
        headers = {"authorization": f"Bearer {token}", "idempotency-key": key or f"key-{self.requests}"}
        return await self.client.request(method, path, json=body, headers=headers)

    async def post_ok(self, path: str, body: object = None) -> dict[str, Any]:
        """POST, and return the body of a successful response."""
        response = await self.request("POST", path, body)
        assert response.status_code in (200, 201), response.text
        return cast(dict[str, Any], response.json())

    async def history(self) -> Sequence[Event]:
        """All events of invoicing."""
        return await history(self.store)

    async def documents(self) -> list[InvoiceFinalized]:
        """The invoices that were finalized, in that order."""
        return [event for event in await self.history() if isinstance(event, InvoiceFinalized)]
