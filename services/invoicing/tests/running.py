"""Invoicing without a process around it: its routes and its reactions over one event store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import httpx2

from services.invoicing.main import FEATURES
from services.invoicing.tests.stories import LATER
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.framework.core.event import Event
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.http.app import create_app
from shared.framework.process.feature import merged_handler
from shared.framework.testing.event_records import deliver, event_record, history
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller

SCOPES = ("invoices:write", "tax:write")
CALLERS = {
    "admin": caller("acme", *SCOPES),
    "stranger": caller("other", *SCOPES),
    "reader": caller("acme", "events:read"),
}


class Running:
    """A client of the service, and a mouth to tell it facts."""

    def __init__(self, store: Store | None = None) -> None:
        self.clock = FakeClock(LATER)
        self.store = store or MemoryEventStore("invoicing", self.clock, CONTRACTS)
        self.handler = merged_handler(FEATURES, self.clock)
        self.asked = 0
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

    async def hear(
        self, *events: Event, at: datetime = LATER, tenant: str = "acme", test_clock: bool = False
    ) -> None:
        """Tell these facts, in this order, in one commit."""
        records = [event_record(event, at, tenant=tenant, test_clock=test_clock) for event in events]
        await deliver(self.store, self.handler, *records)

    async def ask(
        self, method: str, path: str, body: object = None, *, who: str = "admin", key: str | None = None
    ) -> httpx2.Response:
        """Ask, under a key of its own unless one is given."""
        self.asked += 1
        headers = {"authorization": f"Bearer {who}", "idempotency-key": key or f"key-{self.asked}"}
        return await self.client.request(method, path, json=body, headers=headers)

    async def post(self, path: str, body: object = None) -> dict[str, Any]:
        """Ask, and take nothing but a yes."""
        answer = await self.ask("POST", path, body)
        assert answer.status_code in (200, 201), answer.text
        return cast(dict[str, Any], answer.json())

    async def history(self) -> Sequence[Event]:
        """All that invoicing has said."""
        return await history(self.store)

    async def documents(self) -> list[InvoiceFinalized]:
        """The invoices that were finalized, in that order."""
        return [event for event in await self.history() if isinstance(event, InvoiceFinalized)]
