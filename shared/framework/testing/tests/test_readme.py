"""The service in shared/framework/README.md, exactly as it is written there, on the stores in memory."""

import re
import sys
from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import httpx2
import pytest

from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.unit_of_work import Session, transact
from shared.framework.http.app import create_app
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.messaging.consumer import Consumer
from shared.framework.messaging.feed import InProcessFeeds
from shared.framework.messaging.memory import MemoryBroker
from shared.framework.messaging.relay import MemoryCursor, Relay
from shared.framework.process.service_definition import ServiceDefinition
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.event_records import history
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller
from shared.framework.testing.messaging_harness import eventually, running
from shared.framework.testing.store_examples import METADATA, TENANT
from shared.framework.timers.loop import TimerLoop

README = Path(__file__).parents[2] / "README.md"
PARTITIONS = 4


@pytest.fixture
def parcels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    [text] = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    path = tmp_path / "parcels.py"
    path.write_text(text)
    spec = spec_from_file_location("parcels", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "parcels", module)
    spec.loader.exec_module(module)
    return module


class Rig:
    def __init__(self, parcels: ModuleType, service: ServiceDefinition, clock: FakeClock) -> None:
        self.parcels, self.clock = parcels, clock
        sleeper, leadership = EventLoopSleeper(), MemoryLeadership()
        self.shop = MemoryEventStore("shop", clock, parcels.CONTRACTS)
        self.store = MemoryEventStore("parcels", clock, parcels.CONTRACTS)
        broker = MemoryBroker(sleeper)
        self.relay = Relay(self.shop, broker, MemoryCursor(), leadership, sleeper, PARTITIONS)
        assert service.handler is not None
        self.consumer = Consumer(
            name="parcels",
            subscribes_to=service.subscribes_to,
            handler=service.handler,
            store=self.store,
            broker=broker,
            feeds=InProcessFeeds({"shop": self.shop}),
            leadership=leadership,
            sleeper=sleeper,
            partitions=PARTITIONS,
        )
        self.timers = TimerLoop(self.store, service.timers, clock, leadership, sleeper)
        app = create_app(
            "parcels",
            service.routers,
            store=self.store,
            clock=clock,
            ids=SequentialIds(),
            authenticator=FakeAuthenticator({"clerk": caller(TENANT, "parcels:write")}),
            partitions=PARTITIONS,
        )
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://parcels.test")

    async def place(self, *order_ids: str) -> None:
        for order_id in order_ids:
            event = self.parcels.OrderPlaced(order_id=order_id)

            async def work(session: Session, order_id: str = order_id, event: Any = event) -> None:
                session.append(f"ord_{order_id}", 0, [event])

            await transact(self.shop, lambda unit: work(unit.session(TENANT, METADATA)))

    async def collect(self, order_id: str, key: str) -> httpx2.Response:
        headers = {"authorization": "Bearer clerk", "idempotency-key": key}
        return await self.http.post(f"/v1/orders/{order_id}/collect-parcel", headers=headers)

    async def packed(self, count: int) -> bool:
        return len(await history(self.store)) == count


async def test_the_service_of_the_readme_works(parcels: ModuleType) -> None:
    clock = FakeClock(METADATA.occurred_at)
    service = await parcels.build(cast(Any, SimpleNamespace(clock=clock)))
    rig = Rig(parcels, service, clock)
    packed = [parcels.ParcelPacked(order_id=order_id) for order_id in ("1", "2")]

    await rig.place("1", "2")
    async with running(rig.relay.run, rig.consumer.run):
        await eventually(lambda: rig.packed(2))
    events = await history(rig.store)
    assert sorted(events, key=lambda event: cast(Any, event).order_id) == packed

    answer = await rig.collect("1", "key-1")
    assert (answer.status_code, answer.json()) == (200, {"state": "collected"})
    again = await rig.collect("1", "key-1")
    assert (again.json(), again.headers["idempotency-replayed"]) == ({"state": "collected"}, "true")
    refused = await rig.collect("1", "key-2")
    assert (refused.status_code, refused.json()["code"]) == (409, "parcel-not-here")
    assert (await history(rig.store))[2:] == [parcels.ParcelLeft(reason="collected")]

    assert await rig.timers.fire_due() == 0
    clock.move(timedelta(days=7))
    assert await rig.timers.fire_due() == 2
    assert (await history(rig.store))[3:] == [parcels.ParcelLeft(reason="returned")]
    assert await rig.timers.fire_due() == 0
