"""The subscriptions service in the test's process: its routes and timers over one event store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import httpx2
import msgspec

from services.subscriptions.customers.decider import customer_id_of
from services.subscriptions.main import FEATURES
from services.subscriptions.subscriptions.handlers import CLOSE_PERIOD
from services.subscriptions.subscriptions.timers import close_period
from services.subscriptions.test_clocks.feature import clocks
from services.subscriptions.test_clocks.leaps import Leaps
from services.subscriptions.tests.scenarios import NOON
from shared.billing.contracts import CONTRACTS, decode
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.records import EventRecord
from shared.framework.http.app import create_app
from shared.framework.http.authorization import Credential, Role
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.messaging.tenant_progress import ProgressQuery, ProgressReporter, TenantProgress
from shared.framework.process.feature import merged_handler
from shared.framework.process.system import EventLoopSleeper
from shared.framework.retry.signal import Signal
from shared.framework.testing.event_records import deliver, event_record
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller
from shared.framework.timers.loop import TimerLoop, unfinished_timers
from shared.framework.timers.timer import TimerHandler

SCOPES = ("customers:write", "plans:write", "subscriptions:write", "clocks:write")
READS = ("customers:read", "plans:read", "subscriptions:read")
CUSTOMER_ID = customer_id_of("acme", "acme-1")
CALLERS = {
    "admin": caller("acme", *SCOPES, *READS),
    "stranger": caller("other", *SCOPES, *READS),
    "customer": Credential(CUSTOMER_ID, "acme", Role.CUSTOMER, frozenset(READS)),
    "reader": caller("acme", "events:read"),
    "viewer": caller("acme", *SCOPES, role=Role.BILLING_VIEWER),
}
FEE = {"key": "fee", "name": "Fee", "price": {"model": "flat", "amount": "49.00"}}
TIERS = [{"up_to": "100", "unit_price": "0.02"}, {"up_to": None, "unit_price": "0.01"}]
CALLS = {
    "key": "calls",
    "name": "Calls",
    "meter_key": "calls",
    "price": {"model": "graduated", "tiers": TIERS},
}
CALLS_METER = MeterDefined(
    meter_id="mtr_1",
    key="calls",
    event_type="api.call",
    aggregation="count",
    value_path=None,
    group_by=(),
    filter={},
    defined_at=NOON,
)
PLAN = {"key": "pro", "name": "Pro", "currency": "EUR", "interval": "P1M", "charges": [FEE, CALLS]}
CUSTOMER = {"external_id": "acme-1", "currency": "EUR", "time_zone": "Europe/Berlin"}


ADVANCE = "/v1/test-clock/advance"


class Harness:
    """A client of the service; its timers fire when the test calls them, and while a test clock advances."""

    def __init__(self, store: Store | None = None) -> None:
        self.clock = FakeClock(NOON)
        self.handler = merged_handler(FEATURES, self.clock)
        self.store = store or MemoryEventStore("subscriptions", self.clock, CONTRACTS)
        self.requests = 0
        self.sleeper = EventLoopSleeper()
        self.reporter = ProgressReporter(self.store, None, 4, self.sleeper, Signal())
        self.leaps = Leaps(
            self.store, self, ["subscriptions"], [], 4, MemoryLeadership(), self.sleeper, Signal()
        )
        app = create_app(
            "subscriptions",
            [router for feature in (*FEATURES, clocks(self.leaps)) for router in feature.routers],
            store=self.store,
            clock=self.clock,
            ids=SequentialIds(),
            authenticator=FakeAuthenticator(CALLERS),
            partitions=4,
        )
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://subscriptions.test"
        )

    async def define_meters(self, *keys: str, tenant: str = "acme") -> None:
        """Consume the definitions of meters; `calls` is the one of PLAN."""
        meters = [msgspec.structs.replace(CALLS_METER, key=key) for key in keys or ("calls",)]
        records = [event_record(meter, self.clock.now(), tenant=tenant) for meter in meters]
        await deliver(self.store, self.handler, *records)

    def timers(self) -> TimerLoop:
        """The timer loop of one process."""
        return TimerLoop(
            store=self.store,
            handlers={CLOSE_PERIOD: TimerHandler(decide=close_period)},
            clock=self.clock,
            leadership=MemoryLeadership(),
            sleeper=self.sleeper,
        )

    async def run_due_timers(self) -> None:
        """Fire timers until none is due."""
        timers = self.timers()
        while await timers.fire_due():
            pass
        assert await unfinished_timers(self.store, self.clock.now(), 1) == 0

    async def post(
        self, path: str, body: object, *, token: str = "admin", key: str | None = None
    ) -> httpx2.Response:
        """POST, under a new idempotency key unless one is given; an advance is played to its end."""
        self.requests += 1
        headers = {"authorization": f"Bearer {token}", "idempotency-key": key or f"key-{self.requests}"}
        response = await self.client.post(path, json=body, headers=headers)
        if path == ADVANCE:
            for tenant_id in await self.store.advancing_tenants():
                await self.leaps.advance(tenant_id)
        return response

    async def tenant_progress(self, _: str, query: ProgressQuery) -> TenantProgress:
        """This context is all that there is: its progress after the timers that are due."""
        while await self.timers().fire_due():
            pass
        return await self.reporter.report(replace(query, wait_s=0))

    async def get(self, path: str, *, token: str = "admin") -> httpx2.Response:
        """GET."""
        return await self.client.get(path, headers={"authorization": f"Bearer {token}"})

    async def get_ok(self, path: str, *, token: str = "admin") -> dict[str, Any]:
        """GET, and return the body of a successful response."""
        response = await self.get(path, token=token)
        assert response.status_code == 200, response.text
        return cast(dict[str, Any], response.json())

    async def post_ok(self, path: str, body: object) -> dict[str, Any]:
        """POST, and return the body of a successful response."""
        response = await self.post(path, body)
        assert response.status_code in (200, 201), response.text
        return cast(dict[str, Any], response.json())

    async def subscribe(self, **more: object) -> str:
        """A customer, a plan, and a subscription; the id of the last."""
        customer = await self.post_ok("/v1/customers", CUSTOMER)
        await self.define_meters()
        await self.post_ok("/v1/plans", PLAN)
        body = {"customer_id": customer["customer_id"], "plan_key": "pro"} | more
        started = await self.post_ok("/v1/subscriptions", body)
        return str(started["subscription_id"])

    async def advance(self, to: datetime) -> None:
        """Advance the tenant's test clock, and fire the timers that fall due."""
        await self.post_ok(ADVANCE, {"to": to.isoformat()})
        await self.run_due_timers()

    async def records(self) -> Sequence[EventRecord]:
        """All event records."""
        return await self.store.read_stable(after=0, limit=10_000)

    async def closings(self) -> list[tuple[EventRecord, BillingPeriodClosed]]:
        """The closed periods with their records, in the order of their closing."""
        events = [(record, decode(record.wire_name, record.state)) for record in await self.records()]
        return [(record, event) for record, event in events if isinstance(event, BillingPeriodClosed)]
