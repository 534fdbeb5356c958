"""A subscription that was put back after a restore has no timer: resumed, its periods are closed again."""

from datetime import timedelta

from services.subscriptions.main import FEATURES
from services.subscriptions.tests.harness import Harness
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import Append, ChangeSet
from shared.framework.eventstore.unit_of_work import transact
from shared.framework.process.service_definition import ServiceDefinition
from shared.framework.testing.event_records import history


async def test_periods_are_closed_after_it_was_put_back() -> None:
    """Without `resume` it would never be billed again."""
    before = Harness()
    subscription_id = await before.subscribe()
    before.clock.move(timedelta(days=40))
    await before.run_due_timers()
    restored = MemoryEventStore("subscriptions", before.clock, CONTRACTS)
    records = await before.store.read_stable(0, 1000)
    for record in records:
        event = CONTRACTS.decode(record.wire_name, record.state)
        assert event is not None
        append = Append(record.tenant_id, record.stream_id, record.version - 1, (event,), record.metadata)
        await restored.commit(ChangeSet(appends=[append]))
    after = Harness(restored)
    after.clock.move(before.clock.now() - after.clock.now() + timedelta(days=31))
    handler = ServiceDefinition.of(*FEATURES, clock=after.clock).resume["sub"]
    last = next(record for record in reversed(records) if record.stream_id == subscription_id)
    await transact(
        restored, lambda unit: handler(unit.session(last.tenant_id, last.metadata), subscription_id)
    )
    await after.run_due_timers()
    closed = [event for event in await history(restored) if isinstance(event, BillingPeriodClosed)]
    assert len(closed) == 2
    assert closed[0].period.end == closed[1].period.start
