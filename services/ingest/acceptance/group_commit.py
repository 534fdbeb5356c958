"""The micro-batching writer: all requests that wait share the next transaction, and nobody lingers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from services.ingest.acceptance.handlers import Submission
from services.ingest.acceptance.outcome import IngestResult
from services.ingest.acceptance.refusals import IngestIsBusy
from shared.framework.observability.metrics import USAGE_EVENTS

Accept = Callable[[Sequence[Submission]], Awaitable[list[IngestResult]]]
PendingSubmission = tuple[Submission, "asyncio.Future[IngestResult]"]


class BatchSize(NamedTuple):
    """How much work something is: in usage events, and in bytes of the bodies that they came in."""

    events: int
    size_bytes: int

    def fits(self, bound: "BatchSize") -> bool:
        """Whether neither is more than the bound."""
        return self.events <= bound.events and self.size_bytes <= bound.size_bytes

    def with_one(self, submission: Submission) -> "BatchSize":
        """This and one submission more."""
        return BatchSize(self.events + len(submission.offers), self.size_bytes + submission.size_bytes)


NOTHING = BatchSize(0, 0)


class GroupCommitWriter:
    """One task writes, any number of requests wait: under load transactions grow instead of queues."""

    def __init__(self, accept: Accept, *, transaction_max: BatchSize, waiting_max: BatchSize) -> None:
        """`accept` answers submissions in one transaction; one that is larger than the bound goes alone."""
        self._accept = accept
        self._transaction_max = transaction_max
        self._waiting_max = waiting_max
        self._queue: deque[PendingSubmission] = deque()
        self._waiting = NOTHING
        self._wake = asyncio.Event()

    async def submit(self, submission: Submission) -> IngestResult:
        """The verdict, after the commit. IngestIsBusy when too much is waiting already."""
        if self._queue and not self._waiting.with_one(submission).fits(self._waiting_max):
            raise IngestIsBusy(f"{self._waiting.events} events, {self._waiting.size_bytes} bytes are waiting")
        answer: asyncio.Future[IngestResult] = asyncio.get_running_loop().create_future()
        self._queue.append((submission, answer))
        self._waiting = self._waiting.with_one(submission)
        self._wake.set()
        return await answer

    async def run(self) -> None:
        """Write for ever. What goes wrong is told to those who wait; the next batch is another chance."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._write(self._next_batch())

    async def _write(self, batch: Sequence[PendingSubmission]) -> None:
        try:
            verdicts = await self._accept([submission for submission, _ in batch])
        except Exception as error:  # whatever it was, it is the answer
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), verdict in zip(batch, verdicts, strict=True):
            _count(verdict)
            if not answer.done():
                answer.set_result(verdict)

    def _next_batch(self) -> list[PendingSubmission]:
        batch: list[PendingSubmission] = []
        load = NOTHING
        while self._queue:
            more = load.with_one(self._queue[0][0])
            if batch and not more.fits(self._transaction_max):
                break
            batch.append(self._queue.popleft())
            load = more
        left = self._waiting
        self._waiting = BatchSize(left.events - load.events, left.size_bytes - load.size_bytes)
        return batch


def _count(verdict: IngestResult) -> None:
    counts = {
        "accepted": verdict.accepted,
        "duplicate": verdict.duplicates,
        "conflict": verdict.conflicts,
        "rejected": verdict.rejected,
    }
    for outcome, count in counts.items():
        if count:
            USAGE_EVENTS.labels(outcome).inc(count)
