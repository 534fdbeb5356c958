"""Keeps child processes alive: starts them together, restarts the dead with a growing pause, stops them."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.framework.retry.backoff import Backoff
from tollhouse.servers.child_process import ChildDied, ChildNotReady, ProcessSpec, spawn, stop, until_ready

RESTARTS = Backoff(0.05, 5.0)
HEALTHY_AFTER_S = 10.0


class SupervisedProcess:
    """One program, kept running from `start` to `stop`."""

    def __init__(self, program: ProcessSpec) -> None:
        self.program = program
        self.restarts = 0
        self.ready = asyncio.Event()
        self._process: Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now, if one does."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Run it and wait until it answers. Raises ChildDied, ChildNotReady."""
        await self.program.prepare()
        await AsyncRetrying(
            retry=retry_if_exception_type(ChildDied),
            wait=wait_fixed(RESTARTS.first_s),
            stop=stop_after_delay(self.program.start_again_within_s),
            reraise=True,
        )(self._run)
        self._watch = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")

    async def stop(self) -> None:
        """Stop watching, then stop the process. Safe to call at any time, also twice."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        self.ready.clear()
        if self._process is not None:
            await stop(self.program, self._process)

    async def _run(self) -> Process:
        self._process = process = await spawn(self.program)
        await until_ready(self.program, process)
        self.ready.set()
        return process

    async def _keep(self) -> None:
        deaths = 0
        clock = asyncio.get_running_loop().time
        while True:
            ready_at = clock()
            if self._process is not None:
                await self._process.wait()
            self.ready.clear()
            deaths = 0 if clock() - ready_at > HEALTHY_AFTER_S else deaths + 1
            await asyncio.sleep(RESTARTS.pause_s(deaths))
            await self._run_again()

    async def _run_again(self) -> None:
        self.restarts += 1
        try:
            await self._run()
        except ChildNotReady:
            if self._process is not None:
                await stop(self.program, self._process)
        except (ChildDied, OSError):
            return  # the loop comes by again, after a longer pause


@asynccontextmanager
async def supervised(programs: Sequence[ProcessSpec]) -> AsyncIterator[dict[str, SupervisedProcess]]:
    """Run programs side by side, by name, for the length of a block; leave none of them behind."""
    keepers = {program.name: SupervisedProcess(program) for program in programs}
    try:
        await _start_all(list(keepers.values()))
        yield keepers
    finally:
        await asyncio.gather(*(keeper.stop() for keeper in keepers.values()))


async def _start_all(keepers: Sequence[SupervisedProcess]) -> None:
    """Start all at once; the first failure is the one to tell."""
    outcomes = await asyncio.gather(*(keeper.start() for keeper in keepers), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
