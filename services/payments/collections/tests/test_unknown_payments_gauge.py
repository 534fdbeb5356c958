from dataclasses import replace
from datetime import timedelta

from services.payments.collections.handlers import CAPTURE
from services.payments.collections.query import unknown_payments_measurement
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import ChangeSet
from shared.framework.observability import metrics, names
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.service_database import service_pool
from shared.framework.testing.store_examples import EXAMPLES, NOON, timer


async def test_payments_that_wait_for_a_lookup_are_counted(database_url: str) -> None:
    """Not the first call, which is due at once, not attempts, and not what a test clock holds."""
    async with service_pool(database_url, []) as pool:
        waiting = [replace(timer(f"t{n}", NOON + timedelta(minutes=5)), purpose=CAPTURE) for n in range(3)]
        first = replace(timer("first", NOON), purpose=CAPTURE)
        attempt = timer("attempt", NOON + timedelta(days=3))
        tested = replace(timer("tested", NOON + timedelta(minutes=5), testing=True), purpose=CAPTURE)
        store = PostgresEventStore(pool, "invoicing", EXAMPLES)
        await store.commit(ChangeSet(timers=[*waiting, first, attempt, tested]))
        await unknown_payments_measurement(pool, FakeClock(NOON))()
        assert metrics.REGISTRY.get_sample_value(names.PAYMENTS_UNKNOWN) == len(waiting)
