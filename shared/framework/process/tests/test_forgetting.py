"""Idempotency keys are kept for some weeks and then forgotten, so that their table does not grow for ever."""

from datetime import timedelta

import pytest

from shared.framework.eventstore.idempotency import KeyIsInFlight
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.process.idempotency_cleanup import PAGE, IdempotencyKeyCleanup
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.store_examples import EXAMPLES, days, key


async def test_keys_are_forgotten_when_their_time_is_over() -> None:
    """All of them, page by page; those that a caller may still send again stay."""
    clock = FakeClock()
    store = MemoryEventStore("invoicing", clock, EXAMPLES)
    for number in range(PAGE + 5):
        await store.claim(key(f"old-{number}"), clock.now())
    clock.move(timedelta(days=30, seconds=1))
    await store.claim(key("young"), clock.now() - days(29))
    await IdempotencyKeyCleanup(store, clock, EventLoopSleeper(), timedelta(days=30)).delete_expired()
    with pytest.raises(KeyIsInFlight):
        await store.claim(key("young"), clock.now() - days(29))
    assert await store.delete_expired_keys(clock.now() + days(1), 10) == 1
