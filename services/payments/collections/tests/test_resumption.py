"""Events that were put back after a restore have no timers: resumed, the saga ends as it would have."""

import pytest

from services.payments.collections.tests.test_double_charges import PAUSES, TOKENS, VOIDABLE
from services.payments.tests.harness import PaymentsHarness
from services.payments.tests.scenarios import DUE, finalized, voided
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.payments.collections import CollectionCompleted, CollectionGaveUp
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import Append, ChangeSet
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.process.service_definition import ServiceDefinition

STEPS = range(len(PAUSES))


async def with_events_only(payments: PaymentsHarness) -> PaymentsHarness:
    """The service on a store that has the same events and nothing else, after its streams were resumed."""
    restored = MemoryEventStore("payments", payments.clock, CONTRACTS)
    streams = {}
    for record in await payments.store.read_stable(0, 100_000):
        event = CONTRACTS.decode(record.wire_name, record.state)
        assert event is not None
        append = Append(
            record.tenant_id,
            record.stream_id,
            record.version - 1,
            (event,),
            record.metadata,
            record.stream_id,
        )
        await restored.commit(ChangeSet(appends=[append]))
        streams[record.stream_id] = record.metadata
    again = PaymentsHarness(restored, payments.ledger, clock=payments.clock)
    handlers = ServiceDefinition.of(*again.features, clock=again.clock).resume
    for stream_id, metadata in streams.items():
        if handler := handlers.get(stream_id.partition("_")[0]):

            async def work(unit: UnitOfWork) -> None:
                await handler(unit.session("acme", metadata), stream_id)  # noqa: B023

            await transact(restored, work)
    return again


async def run(token: str, put_back_at: int, void_at: int | None = None) -> PaymentsHarness:
    """One invoice from start to end; its events are put back after one of the steps."""
    payments = PaymentsHarness()
    await payments.register(token)
    for index, pause in enumerate(PAUSES):
        payments.clock.move(pause)
        events = [*([finalized()] if index == 0 else []), *([voided()] if index == void_at else [])]
        await payments.deliver(*events)
        if index == put_back_at:
            payments = await with_events_only(payments)
        await payments.fire_due_timers()
    return payments


@pytest.mark.parametrize("token", TOKENS)
async def test_a_collection_that_was_put_back_ends_as_before(token: str) -> None:
    """It takes the money once, or gives up, whichever step it had come to."""
    for step in STEPS:
        payments = await run(token, step)
        assert len(await payments.charges()) == TOKENS[token], step
        assert len(await payments.events(CollectionCompleted)) == TOKENS[token], step
        assert len(await payments.events(CollectionGaveUp)) == 1 - TOKENS[token], step
        assert await payments.received_by_events() == DUE.minor * TOKENS[token], step


@pytest.mark.parametrize("token", VOIDABLE)
async def test_money_of_a_voided_invoice_goes_back_also_then(token: str) -> None:
    """A refund that was requested is requested again."""
    for step in STEPS[1:]:
        payments = await run(token, step, void_at=1)
        assert await payments.received_by_gateway() == 0, step
        assert await payments.received_by_events() == 0, step
