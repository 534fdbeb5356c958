"""kill -9 of every service and every server in turn, in the middle of the work: the totals are the same."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.e2e.flights_billed import billed
from tests.e2e.oracle import bills
from tollhouse.cli.verify import run_audit
from tollhouse.demo.flights import departures
from tollhouse.demo.playback import play_months, set_up_tenant
from tollhouse.demo.run import client_of
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.supervisor import Stack

SEED = 20130101
BACK_WITHIN_S = 60
KILL_EVERY_EVENTS = 2_500


class Killer:
    """Kills one process at a time, each once, at seeded moments, and waits until it is back."""

    def __init__(self, stack: Stack) -> None:
        """Choose the order of victims."""
        self.stack = stack
        self.victims = sorted(stack.processes)
        random.Random(SEED).shuffle(self.victims)
        self.killed: list[str] = []
        self._delivered = 0
        self._turn = asyncio.Event()

    def on_progress(self, count: int) -> None:
        """Count delivered events."""
        self._delivered += count
        self._turn.set()

    async def run(self) -> None:
        """Kill each process once."""
        for number, victim in enumerate(self.victims, start=1):
            while self._delivered < number * KILL_EVERY_EVENTS:
                self._turn.clear()
                await self._turn.wait()
            await self._kill(victim)

    async def _kill(self, victim: str) -> None:
        process = self.stack.processes[victim]
        before, pid = process.restarts, process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.killed.append(victim)
        async with asyncio.timeout(BACK_WITHIN_S):
            while process.restarts == before or not process.ready.is_set():
                await asyncio.sleep(0.05)


@pytest.mark.timeout(300)
async def test_the_totals_survive_kill_9_of_each_process_in_turn(tmp_path: Path) -> None:
    """Nothing acknowledged is lost and nothing is counted or charged twice, whoever dies and when."""
    async with Stack.start(tmp_path / "installation") as stack, client_of(stack) as client:
        killer = Killer(stack)
        await set_up_tenant(client)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(killer.run())
            await play_months(client, departures(), 1, on_progress=killer.on_progress)
        assert sorted(killer.killed) == sorted(stack.processes)
        await wait_until_quiescent(
            stack.urls, stack.credentials.service_token_file.read_text(), timeout_s=120
        )
        assert await billed(client) == bills(1)
        assert (await run_audit(stack.addresses(), stack.credentials)).differences == []
