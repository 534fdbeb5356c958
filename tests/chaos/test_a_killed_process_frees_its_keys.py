"""kill -9 under many open commands: sent again, each is done, and none waits for a lease."""

import asyncio
import signal
from typing import Any

import httpx2

from shared.framework.testing.messaging_harness import eventually
from tests.chaos.conftest import Replica, SlowService

COMMANDS = range(60)


async def send(replica: Replica, number: int) -> httpx2.Response:
    return await replica.http.post(f"/v1/notes/note_{number}", headers={"idempotency-key": f"key-{number}"})


async def test_commands_of_a_killed_process_are_done_when_they_are_sent_again(
    slow_service: SlowService, database: Any
) -> None:
    """No answer is 409 once another process is there to ask, and each command has one effect."""
    slow_service.slow_file.touch()
    killed = await slow_service.start()
    lost = [asyncio.create_task(send(killed, number)) for number in COMMANDS]

    async def all_are_open() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM idempotency") == len(COMMANDS))

    await eventually(all_are_open, within_s=30)
    killed.send(signal.SIGKILL)
    outcomes = await asyncio.gather(*lost, return_exceptions=True)
    assert all(isinstance(outcome, httpx2.TransportError) for outcome in outcomes)

    slow_service.slow_file.unlink()
    next_one = await slow_service.start()
    answers = await asyncio.gather(*(send(next_one, number) for number in COMMANDS))
    assert [answer.status_code for answer in answers] == [201] * len(COMMANDS)
    assert await database.fetchval("SELECT count(*) FROM events") == len(COMMANDS)


async def test_a_process_that_wakes_after_it_lost_its_keys_has_no_effect(
    slow_service: SlowService, database: Any
) -> None:
    """It stood still with its sockets open: its key is taken over, and its own attempt is refused."""
    slow_service.slow_file.touch()
    paused, other = await slow_service.start(), await slow_service.start()
    attempt = asyncio.create_task(send(paused, 1))

    async def is_open() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM idempotency") == 1)

    await eventually(is_open, within_s=30)
    paused.send(signal.SIGSTOP)
    slow_service.slow_file.unlink()

    async def is_taken_over() -> bool:
        return (await send(other, 1)).status_code == 201

    await eventually(is_taken_over, within_s=10)
    paused.send(signal.SIGCONT)
    late = await attempt
    assert (late.status_code, late.json()["code"]) == (409, "idempotency-key-in-flight")
    assert (await send(paused, 1)).headers["idempotency-replayed"] == "true"
    assert await database.fetchval("SELECT count(*) FROM events") == 1
