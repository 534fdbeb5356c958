"""An event loop on virtual time that runs ready callbacks in an order drawn by its owner."""

import asyncio
from asyncio.events import TimerHandle, _set_running_loop
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

Pick = Callable[[int], int]
"""An index below a number: which of so many ready callbacks runs next."""

BeforeCallback = Callable[[Context], bool]
"""Called with the context of the callback that is about to run; False puts it off until `resume`."""


class _Handle(TimerHandle):
    """A callback that waits for its turn or its time, without what asyncio keeps for debugging."""

    __slots__ = ()

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: Context | None) -> None:
        self._callback = callback
        self._args = args
        self._context = copy_context() if context is None else context
        self._cancelled = False

    def cancel(self) -> None:
        """Let the callback not run."""
        self._cancelled = True


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
        self._waiting: list[_Handle] = []
        """Callbacks that may run now."""
        self._scheduled_at: list[tuple[float, int, _Handle]] = []
        """A heap of callbacks by their time, and then in the order in which they were scheduled."""
        self._put_off: list[_Handle] = []
        self._numbers = count()
        self.callbacks = 0
        """The number of callbacks that have run."""
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        """Virtual monotonic seconds."""
        return self._now

    def call_soon(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> TimerHandle:
        """Let a callback run while time stands still."""
        handle = _Handle(callback, args, context)
        self._waiting.append(handle)
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> TimerHandle:
        """Let a callback run at a virtual time."""
        handle = _Handle(callback, args, context)
        heappush(self._scheduled_at, (when, next(self._numbers), handle))
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> TimerHandle:
        """Let a callback run after so many virtual seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

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
        self._waiting.extend(self._put_off)
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
        waiting, before, pick = self._waiting, self._before, self._pick
        while waiting:
            last = waiting.pop()
            if waiting and (index := pick(len(waiting) + 1)) < len(waiting):
                handle, waiting[index] = waiting[index], last
            else:
                handle = last
            if handle._cancelled:
                continue
            if not before(handle._context):
                self._put_off.append(handle)
                continue
            self.callbacks += 1
            handle._context.run(handle._callback, *handle._args)  # a task keeps what it raises

    def _advance(self, until: float) -> bool:
        """Go to the next scheduled callback; False if none is before `until`, which time then reaches."""
        scheduled, waiting = self._scheduled_at, self._waiting
        while scheduled and scheduled[0][2]._cancelled:
            heappop(scheduled)
        if not scheduled or scheduled[0][0] > until:
            self._now = max(self._now, until)
            return False
        self._now = max(self._now, scheduled[0][0])
        while scheduled and scheduled[0][0] <= self._now:
            waiting.append(heappop(scheduled)[2])
        return True
