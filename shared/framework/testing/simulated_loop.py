"""An event loop on virtual time that runs ready callbacks in an order drawn by its owner."""

import asyncio
import heapq
from asyncio.events import Handle, TimerHandle, _set_running_loop
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")

Pick = Callable[[int], int]
"""An index below a number: which of so many ready callbacks runs next."""

BeforeCallback = Callable[[Context], bool]
"""Called with the context of the callback that is about to run; False puts it off until `resume`."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs callbacks one at a time, without selector, sockets or threads.

    Time stands still while a callback is ready, and then goes to the next scheduled one. `pick` chooses among
    the ready callbacks, so that equal choices give the same run to the byte.
    """

    def __init__(self, pick: Pick, before_callback: BeforeCallback) -> None:
        """At time 0."""
        super().__init__()
        self._pick = pick
        self._before = before_callback
        self._now = 0.0
        self._ready: deque[Handle] = deque()
        self._scheduled: list[TimerHandle] = []
        self._put_off: list[Handle] = []
        self.callbacks = 0
        """The number of callbacks that have run."""
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        """Virtual monotonic seconds."""
        return self._now

    def run_while(self, condition: Callable[[], bool], until: float) -> bool:
        """Run while the condition holds and time is before `until`; returns whether it still holds.

        The condition is asked whenever no callback is ready, before time moves.
        """
        before = asyncio.events._get_running_loop()
        _set_running_loop(self)
        try:
            while True:
                self._run_ready()
                if not condition():
                    return False
                if not self._advance(until):
                    return True
        finally:
            _set_running_loop(before)

    def resume(self) -> None:
        """Make callbacks ready that were put off."""
        self._ready.extend(self._put_off)
        self._put_off.clear()

    def complete(self, work: Coroutine[Any, Any, T], within_s: float) -> T:
        """The result of a coroutine, while everything else goes on. Raises TimeoutError."""
        task = self.create_task(work)
        self.run_while(lambda: not task.done(), self._now + within_s)
        if not task.done():
            task.cancel()
            raise TimeoutError(f"after {within_s} virtual seconds")
        return task.result()

    def run_now(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine that never has to wait."""
        try:
            work.send(None)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        raise RuntimeError("the coroutine waits for something")

    def _run_ready(self) -> None:
        ready, before, pick = self._ready, self._before, self._pick
        handle: Any
        while ready:
            index = pick(len(ready)) if len(ready) > 1 else 0
            handle = ready[index]
            del ready[index]
            if handle._cancelled:
                continue
            if not before(handle._context):
                self._put_off.append(handle)
                continue
            self.callbacks += 1
            handle._run()

    def _advance(self, until: float) -> bool:
        """Go to the next scheduled callback; False if none is before `until`, which time then reaches."""
        scheduled: list[Any] = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled or scheduled[0]._when > until:
            self._now = max(self._now, until)
            return False
        self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            self._ready.append(handle)
        return True

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """Cancelled handles are dropped when their time comes."""
