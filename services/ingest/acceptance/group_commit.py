"""A writer that commits all waiting requests in one transaction; a request never waits for others to come."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from services.ingest.acceptance.handlers import Submission
from services.ingest.acceptance.outcome import IngestResult
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.ports import StoreIsUnavailable
from shared.framework.observability.metrics import USAGE_EVENTS

Accept = Callable[[Sequence[Submission]], Awaitable[list[IngestResult]]]
PendingSubmission = tuple[Submission, "asyncio.Future[IngestResult]"]


class IngestIsBusy(Refusal):
    """The usage queue is full; no event of this request was accepted, try again later."""

    code = "ingest-overloaded"
    kind = RefusalKind.UNAVAILABLE


class BatchSize(NamedTuple):
    """An amount of work: usage events, and bytes of the request bodies that contained them."""

    events: int
    size_bytes: int

    def fits(self, bound: "BatchSize") -> bool:
        """Whether neither number is above the bound's."""
        return self.events <= bound.events and self.size_bytes <= bound.size_bytes

    def with_one(self, submission: Submission) -> "BatchSize":
        """This and one more submission."""
        return BatchSize(self.events + len(submission.events), self.size_bytes + submission.size_bytes)


NOTHING = BatchSize(0, 0)


class GroupCommitWriter:
    """One task writes while any number of requests wait; under load transactions grow, not the queue."""

    def __init__(self, accept: Accept, *, transaction_max: BatchSize, waiting_max: BatchSize) -> None:
        """`accept` commits submissions in one transaction; a larger one is committed alone."""
        self._accept = accept
        self._transaction_max = transaction_max
        self._waiting_max = waiting_max
        self._queue: deque[PendingSubmission] = deque()
        self._waiting = NOTHING
        self._wake = asyncio.Event()

    async def submit(self, submission: Submission) -> IngestResult:
        """The result, after the commit. IngestIsBusy if too much is waiting."""
        if self._queue and not self._waiting.with_one(submission).fits(self._waiting_max):
            raise IngestIsBusy(f"{self._waiting.events} events, {self._waiting.size_bytes} bytes are waiting")
        result: asyncio.Future[IngestResult] = asyncio.get_running_loop().create_future()
        self._queue.append((submission, result))
        self._waiting = self._waiting.with_one(submission)
        self._wake.set()
        return await result

    async def run(self) -> None:
        """Write for ever. An error is raised in the requests that cause it, not in their neighbours."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._write(self._next_batch())

    async def _write(self, batch: Sequence[PendingSubmission]) -> None:
        try:
            results = await self._accept([submission for submission, _ in batch])
        except Exception as error:  # of any kind
            if len(batch) > 1 and not isinstance(error, StoreIsUnavailable):
                # Nothing was written. Halved until what fails is alone: log2(n) transactions for a culprit.
                await self._write(batch[: len(batch) // 2])
                await self._write(batch[len(batch) // 2 :])
            else:
                _fail(batch, error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            _count(result)
            if not future.done():
                future.set_result(result)

    def _next_batch(self) -> list[PendingSubmission]:
        batch: list[PendingSubmission] = []
        size = NOTHING
        while self._queue:
            more = size.with_one(self._queue[0][0])
            if batch and not more.fits(self._transaction_max):
                break
            batch.append(self._queue.popleft())
            size = more
        left = self._waiting
        self._waiting = BatchSize(left.events - size.events, left.size_bytes - size.size_bytes)
        return batch


def _fail(batch: Sequence[PendingSubmission], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)


def _count(result: IngestResult) -> None:
    counts = {
        "accepted": result.accepted,
        "duplicate": result.duplicates,
        "conflict": result.conflicts,
        "rejected": result.rejected,
    }
    for status, count in counts.items():
        if count:
            USAGE_EVENTS.labels(status).inc(count)
