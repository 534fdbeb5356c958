"""The payments service without a process: its routes, reactions and timers over one store and one sandbox."""

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
from services.payments.retry_policy import RetryPolicy
from services.payments.tests.scenarios import NOON, POLICY, REGISTERED, finalized
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.payments.refunds import RefundIssued
from shared.framework.core.event import Event
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.http.app import create_app
from shared.framework.http.authorization import Credential, Role
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.process.feature import merged_handler
from shared.framework.process.service_definition import ServiceDefinition
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.event_records import deliver, event_record, history
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller
from shared.framework.timers.loop import TimerLoop

CALLERS = {
    "admin": caller("acme", "payments:write", "payments:read"),
    "stranger": caller("other", "payments:write", "payments:read"),
    "cus_1": Credential("cus_1", "acme", Role.CUSTOMER, frozenset({"payments:read"})),
    "cus_2": Credential("cus_2", "acme", Role.CUSTOMER, frozenset({"payments:read"})),
    "reader": caller("acme", "events:read"),
}
LIMIT_S = 0.005
FAR_AHEAD = timedelta(days=3650)
EventT = TypeVar("EventT", bound=Event)


class PaymentsHarness:
    """The service with an HTTP client; the test delivers events and fires timers."""

    def __init__(
        self,
        store: Store | None = None,
        ledger: SandboxLedger | None = None,
        gateway: PaymentGateway | None = None,
        clock: FakeClock | None = None,
        limit_s: float = LIMIT_S,
        policy: RetryPolicy = POLICY,
    ) -> None:
        self.clock = clock or FakeClock(NOON)
        self.store = store or MemoryEventStore("payments", self.clock, CONTRACTS)
        self.ledger = ledger or MemorySandboxLedger()
        sandbox = SandboxGateway(self.ledger, self.clock, timedelta(minutes=10))
        self.gateways = {"sandbox": TimeLimitedGateway(gateway or sandbox, limit_s)}
        self.features = features_of(self.store, self.clock, self.gateways, policy)
        self.handler = merged_handler(self.features, self.clock)
        self.requests = 0

    @cached_property
    def client(self) -> httpx2.AsyncClient:
        """An HTTP client of the service, made at its first use."""
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
        """The timer loop of one process; two of them act as two processes."""
        return TimerLoop(
            store=self.store,
            handlers=ServiceDefinition.of(*self.features, clock=self.clock).timers,
            clock=self.clock,
            leadership=MemoryLeadership(),
            sleeper=EventLoopSleeper(),
        )

    async def fire_due_timers(self) -> None:
        """Fire timers until none is due; fails if one of them failed."""
        timers = self.timers()
        while await timers.fire_due():
            pass
        scheduled = await self.store.due_timers(self.clock.now() + FAR_AHEAD, 1000)
        assert [timer for timer in scheduled if timer.attempts] == [], "a timer failed"

    async def advance(self, *pauses: timedelta) -> None:
        """Move the clock by these steps, and fire the due timers after each."""
        for pause in pauses:
            self.clock.move(pause)
            await self.fire_due_timers()

    async def deliver(self, *events: Event, at: datetime | None = None, test_clock: bool = False) -> None:
        """Deliver these events, in this order, in one commit."""
        records = [event_record(event, at or self.clock.now(), test_clock=test_clock) for event in events]
        await deliver(self.store, self.handler, *records)

    async def post(
        self, path: str, body: object = None, *, caller: str = "admin", key: str | None = None
    ) -> httpx2.Response:
        """Post under an idempotency key of its own, unless one is given."""
        self.requests += 1
        headers = {"authorization": f"Bearer {caller}", "idempotency-key": key or f"key-{self.requests}"}
        return await self.client.post(path, json=body, headers=headers)

    async def get(self, path: str, *, token: str = "admin") -> httpx2.Response:
        """GET."""
        return await self.client.get(path, headers={"authorization": f"Bearer {token}"})

    async def attach(self, token: str) -> str:
        """Attach this card to the customer; returns its method id."""
        body = {"customer_id": "cus_1", "gateway": "sandbox", "token": token}
        response = await self.post("/v1/payment-methods", body)
        assert response.status_code == 201, response.text
        return str(response.json()["method_id"])

    async def register(self, token: str) -> None:
        """Register a customer with this card."""
        await self.deliver(REGISTERED)
        await self.attach(token)

    async def collect(self, invoice_id: str) -> dict[str, Any]:
        """Request a manual attempt; returns the body of the 202 response."""
        response = await self.post(f"/v1/invoices/{invoice_id}/collect")
        assert response.status_code == 202, response.text
        return cast(dict[str, Any], response.json())

    async def history(self) -> Sequence[Event]:
        """All events of payments, oldest first."""
        return await history(self.store)

    async def events(self, kind: type[EventT]) -> list[EventT]:
        """The events of one class, oldest first."""
        return [event for event in await self.history() if isinstance(event, kind)]

    async def received_by_events(self) -> int:
        """Captured less refunded, in minor units, by the events of payments."""
        captured = sum(event.amount.minor for event in await self.events(PaymentSucceeded))
        return captured - sum(event.amount.minor for event in await self.events(RefundIssued))

    async def charges(self) -> list[int]:
        """The amounts of the charges that the gateway has made by now, in minor units."""
        charges = await self.ledger.charges()
        made = [c for c in charges if c.status is ChargeStatus.CHARGED and c.charged_at <= self.clock.now()]
        return [charge.amount.minor for charge in made]

    async def received_by_gateway(self) -> int:
        """Captured less refunded, in minor units, by the gateway's ledger."""
        refunded = sum(refund.amount.minor for refund in await self.ledger.refunds())
        return sum(await self.charges()) - refunded


async def collecting(token: str, policy: RetryPolicy = POLICY) -> PaymentsHarness:
    """A customer with this card and an invoice, after all timers that are due at once."""
    payments = PaymentsHarness(policy=policy)
    await payments.register(token)
    await payments.deliver(finalized())
    await payments.fire_due_timers()
    return payments
