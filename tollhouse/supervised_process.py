"""Supervision of child processes: starts them together, restarts them after a growing pause, stops them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.framework.retry.backoff import Backoff
from tollhouse.servers.child_process import (
    ChildDied,
    ChildNotReady,
    ChildProcess,
    ProcessSpec,
    spawn,
    stop,
    until_ready,
)

RESTARTS = Backoff(0.05, 5.0)
HEALTHY_AFTER_S = 10.0
LIVENESS_INTERVAL_S = 1.0
UNANSWERED_MAX = 5
"""A process that did not answer so many questions in a row is stopped and started again.

Counted, not timed: after a computer has slept, one question is unanswered, not all that it slept through.
"""
HUNG_STOP_TIMEOUT_S = 3.0


class SupervisedProcess:
    """One child process, restarted whenever it ends or stands still, from `start` to `stop`."""

    def __init__(self, program: ProcessSpec) -> None:
        self.program = program
        self.restarts = 0
        self.ready = asyncio.Event()
        self._process: ChildProcess | None = None
        self._supervision: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, or None while nothing runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises ChildDied, ChildNotReady."""
        await self.program.prepare()
        await AsyncRetrying(
            retry=retry_if_exception_type(ChildDied),
            wait=wait_fixed(RESTARTS.first_s),
            stop=stop_after_delay(self.program.start_retry_s),
            reraise=True,
        )(self._run)
        self._supervision = asyncio.create_task(self._supervise(), name=f"supervise {self.program.name}")

    async def stop(self) -> None:
        """Stop supervising, then stop the process. Can be called at any time, also twice."""
        if self._supervision is not None:
            self._supervision.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervision
        self.ready.clear()
        if self._process is not None:
            await stop(self.program, self._process)

    async def _run(self) -> ChildProcess:
        self._process = process = await (self.program.launch or spawn)(self.program)
        await until_ready(self.program, process)
        self.ready.set()
        return process

    async def _supervise(self) -> None:
        failures = 0
        clock = asyncio.get_running_loop().time
        while True:
            ready_at = clock()
            if self._process is not None:
                await self._until_ended(self._process)
            self.ready.clear()
            failures = 0 if clock() - ready_at > HEALTHY_AFTER_S else failures + 1
            await asyncio.sleep(RESTARTS.pause_s(failures))
            await self._run_again()

    async def _until_ended(self, process: ChildProcess) -> None:
        """Return when the process has ended, by itself or because it did not answer any more."""
        ended = asyncio.create_task(process.wait())
        unanswered = 0
        try:
            while unanswered < UNANSWERED_MAX:
                await asyncio.wait({ended}, timeout=LIVENESS_INTERVAL_S)
                if ended.done():
                    return
                unanswered = 0 if await self._is_responsive() else unanswered + 1
        finally:
            ended.cancel()
        await stop(self.program, process, HUNG_STOP_TIMEOUT_S)

    async def _is_responsive(self) -> bool:
        return self.program.is_alive is None or await self.program.is_alive()

    async def _run_again(self) -> None:
        self.restarts += 1
        try:
            await self._run()
        except ChildNotReady:
            if self._process is not None:
                await stop(self.program, self._process)
        except (ChildDied, OSError):
            return  # the loop retries after a longer pause


@asynccontextmanager
async def supervised(programs: Sequence[ProcessSpec]) -> AsyncIterator[dict[str, SupervisedProcess]]:
    """Run programs in parallel for the length of a block, by name; all are stopped at its end."""
    processes = {program.name: SupervisedProcess(program) for program in programs}
    try:
        await _start_all(list(processes.values()))
        yield processes
    finally:
        await asyncio.gather(*(process.stop() for process in processes.values()))


async def _start_all(processes: Sequence[SupervisedProcess]) -> None:
    """Start all in parallel; raise the first failure when all starts have ended."""
    outcomes = await asyncio.gather(*(process.start() for process in processes), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
