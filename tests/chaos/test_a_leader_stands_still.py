"""A leader that is stopped with its sockets open: another process takes over within ten seconds."""

import signal
from typing import Any

from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import ChangeSet
from shared.framework.testing.messaging_harness import eventually
from shared.framework.testing.store_examples import EXAMPLES, timer
from tests.chaos.conftest import Replica, SlowService

TAKEOVER_MAX_S = 10.0
LEADER = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
       AND ((classid::bigint << 32) | objid::bigint) = hashtextextended('timers:payments', 0)
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


async def test_the_work_of_a_leader_that_stands_still_is_taken_over(
    slow_service: SlowService, database: Any
) -> None:
    """And when it wakes, it only wastes work: no timer fires twice, and both serve."""
    first = await slow_service.start()

    async def first_leads() -> bool:
        return await database.fetchval(LEADER) is not None

    await eventually(first_leads)
    second = await slow_service.start()
    first.send(signal.SIGSTOP)
    await set_timer(slow_service, "t1")

    async def has_fired() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM events") >= 1)

    await eventually(has_fired, within_s=TAKEOVER_MAX_S)
    first.send(signal.SIGCONT)
    await set_timer(slow_service, "t2")
    await eventually(lambda: both_are_ready(first, second))

    async def is_quiet() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM timers") == 0)

    await eventually(is_quiet, within_s=TAKEOVER_MAX_S)
    assert await database.fetchval("SELECT count(*) FROM events") == 2


async def set_timer(service: SlowService, timer_id: str) -> None:
    pool = await connect(service.dsn)
    await PostgresEventStore(pool, "payments", EXAMPLES).commit(ChangeSet(timers=[timer(timer_id)]))
    await pool.close()


async def both_are_ready(first: Replica, second: Replica) -> bool:
    return await first.is_ready() and await second.is_ready()
