"""Payments without a process around it: routes, reactions and timers over one store and one sandbox."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar, cast

import httpx2

from services.payments.gateways.port import PaymentGateway
from services.payments.gateways.sandbox.gateway import SandboxGateway
from services.payments.gateways.sandbox.ledger import ChargeStatus, MemorySandboxLedger, SandboxLedger
from services.payments.gateways.time_limited import TimeLimitedGateway
from services.payments.main import features_of
from services.payments.tests.stories import NOON, POLICY, REGISTERED
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.payments.refunds import RefundIssued
from shared.framework.core.event import Event
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.http.app import create_app
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.process.feature import merged_handler
from shared.framework.process.service_definition import ServiceDefinition
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.event_records import deliver, event_record, history
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller
from shared.framework.timers.loop import TimerLoop

CALLERS = {
    "admin": caller("acme", "payments:write"),
    "stranger": caller("other", "payments:write"),
    "reader": caller("acme", "events:read"),
}
LIMIT_S = 0.005
FOR_EVER = timedelta(days=3650)
Said = TypeVar("Said", bound=Event)


class Running:
    """A client of the service, a mouth to tell it facts, and its timers in the test's own hand."""

    def __init__(
        self,
        store: Store | None = None,
        books: SandboxLedger | None = None,
        gateway: PaymentGateway | None = None,
        clock: FakeClock | None = None,
        limit_s: float = LIMIT_S,
    ) -> None:
        self.clock = clock or FakeClock(NOON)
        self.store = store or MemoryEventStore("payments", self.clock, CONTRACTS)
        self.books = books or MemorySandboxLedger()
        sandbox = SandboxGateway(self.books, self.clock, timedelta(minutes=10))
        self.gateways = {"sandbox": TimeLimitedGateway(gateway or sandbox, limit_s)}
        self.features = features_of(self.store, self.clock, self.gateways, POLICY)
        self.handler = merged_handler(self.features, self.clock)
        self.asked = 0

    @cached_property
    def client(self) -> httpx2.AsyncClient:
        """Made when somebody asks: most stories are told in facts."""
        app = create_app(
            "payments",
            [router for feature in self.features for router in feature.routers],
            store=self.store,
            clock=self.clock,
            ids=SequentialIds(),
            authenticator=FakeAuthenticator(CALLERS),
            partitions=4,
        )
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://payments.test")

    def timers(self) -> TimerLoop:
        """The timer loop of one process; two of them are two processes."""
        return TimerLoop(
            store=self.store,
            handlers=ServiceDefinition.of(*self.features, clock=self.clock).timers,
            clock=self.clock,
            leadership=MemoryLeadership(),
            sleeper=EventLoopSleeper(),
        )

    async def settle(self) -> None:
        """Let everything happen that is due."""
        timers = self.timers()
        while await timers.fire_due():
            pass
        waiting = await self.store.due_timers(self.clock.now() + FOR_EVER, 1000)
        assert [timer for timer in waiting if timer.attempts] == [], "a timer failed"

    async def wait(self, *pauses: timedelta) -> None:
        """Let time pass in these steps, and let happen what falls due."""
        for pause in pauses:
            self.clock.move(pause)
            await self.settle()

    async def hear(self, *events: Event, at: datetime | None = None, test_clock: bool = False) -> None:
        """Tell these facts, in this order, in one commit."""
        records = [event_record(event, at or self.clock.now(), test_clock=test_clock) for event in events]
        await deliver(self.store, self.handler, *records)

    async def ask(
        self, path: str, body: object = None, *, who: str = "admin", key: str | None = None
    ) -> httpx2.Response:
        """Ask, under a key of its own unless one is given."""
        self.asked += 1
        headers = {"authorization": f"Bearer {who}", "idempotency-key": key or f"key-{self.asked}"}
        return await self.client.post(path, json=body, headers=headers)

    async def attach(self, token: str) -> str:
        """Give the customer this card; its id."""
        body = {"customer_id": "cus_1", "gateway": "sandbox", "token": token}
        answer = await self.ask("/v1/payment-methods", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["method_id"])

    async def customer(self, token: str) -> None:
        """A customer with this card."""
        await self.hear(REGISTERED)
        await self.attach(token)

    async def collect(self, invoice_id: str) -> dict[str, Any]:
        """Ask for an attempt now, and take nothing but a yes."""
        answer = await self.ask(f"/v1/invoices/{invoice_id}/collect")
        assert answer.status_code == 202, answer.text
        return cast(dict[str, Any], answer.json())

    async def history(self) -> Sequence[Event]:
        """All that payments has said."""
        return await history(self.store)

    async def said(self, kind: type[Said]) -> list[Said]:
        """The facts of one kind, oldest first."""
        return [event for event in await self.history() if isinstance(event, kind)]

    async def told_of_money(self) -> int:
        """What came in and did not go back, in minor units, as payments tells it."""
        came = sum(event.amount.minor for event in await self.said(PaymentSucceeded))
        return came - sum(event.amount.minor for event in await self.said(RefundIssued))

    async def charges(self) -> list[int]:
        """Every charge that the gateway has made by now, in minor units."""
        entries = await self.books.entries()
        made = [e for e in entries if e.status is ChargeStatus.CHARGED and e.charged_at <= self.clock.now()]
        return [entry.amount.minor for entry in made]

    async def money_at_the_gateway(self) -> int:
        """What the gateway took and did not give back, in minor units, by its own books."""
        back = sum(refund.amount.minor for refund in await self.books.refunds())
        return sum(await self.charges()) - back
