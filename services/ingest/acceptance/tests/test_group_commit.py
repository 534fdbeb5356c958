"""Requests that wait together are written together, and none is forgotten."""

import asyncio
from collections.abc import Sequence

import pytest

from services.ingest.acceptance.group_commit import BatchSize, GroupCommitWriter, IngestIsBusy
from services.ingest.acceptance.handlers import Submission
from services.ingest.acceptance.outcome import IngestResult
from services.ingest.formats.cloudevents_json import read_batch
from services.ingest.tests.usage_events import body, event
from shared.framework.eventstore.ports import StoreIsUnavailable, TextIsNotStorable

PLENTY = 1_000_000


class GatedAcceptance:
    """Accepts once it is open, and records what was submitted together."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.batches: list[list[str]] = []
        self.failures = 0
        self.error: type[Exception] = ConnectionError

    async def accept(self, submissions: Sequence[Submission]) -> list[IngestResult]:
        await self.open.wait()
        self.batches.append([one.correlation_id for one in submissions])
        if self.failures:
            self.failures -= 1
            raise self.error
        return [
            IngestResult(len(one.events), 0, 0, 0, (), 0, (), 0, len(self.batches)) for one in submissions
        ]


def submission(name: str, count: int = 1, size_bytes: int = 1) -> Submission:
    return Submission("nyc", "agent", name, None, read_batch(body(*[event()] * count)), size_bytes)


async def test_what_waits_shares_the_next_transaction_up_to_its_bound() -> None:
    """Nobody lingers for company: the first goes alone, the others have gathered meanwhile."""
    acceptance = GatedAcceptance()
    writer = GroupCommitWriter(
        acceptance.accept, transaction_max=BatchSize(5, PLENTY), waiting_max=BatchSize(100, PLENTY)
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(writer.run())
        first = tasks.create_task(writer.submit(submission("a", 2)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [tasks.create_task(writer.submit(submission(name, 2))) for name in "bcd"]
        await asyncio.sleep(0)
        acceptance.open.set()
        results = await asyncio.gather(first, *others)
        running.cancel()
    assert acceptance.batches == [["a"], ["b", "c"], ["d"]]
    assert [result.position for result in results] == [1, 2, 2, 3]


async def test_too_much_waiting_is_refused_at_the_door() -> None:
    """A bounded queue: better an honest no than a yes that takes minutes."""
    writer = GroupCommitWriter(
        GatedAcceptance().accept, transaction_max=BatchSize(5, PLENTY), waiting_max=BatchSize(3, PLENTY)
    )
    waiting = asyncio.create_task(writer.submit(submission("a", 3)))
    await asyncio.sleep(0)
    with pytest.raises(IngestIsBusy):
        await writer.submit(submission("b"))
    waiting.cancel()


async def test_few_large_events_are_bounded_as_many_small_ones_are() -> None:
    """What is written together is read together, by everybody who hears of it: it must fit in memory."""
    acceptance = GatedAcceptance()
    bounds = {"transaction_max": BatchSize(5, 100), "waiting_max": BatchSize(50, 400)}
    writer = GroupCommitWriter(acceptance.accept, **bounds)
    sizes = {"a": 60, "b": 60, "c": 40, "d": 150, "e": 1}
    waiting = [asyncio.create_task(writer.submit(submission(name, 1, size))) for name, size in sizes.items()]
    await asyncio.sleep(0)
    with pytest.raises(IngestIsBusy):
        await writer.submit(submission("f", 1, 100))
    acceptance.open.set()
    running = asyncio.create_task(writer.run())
    await asyncio.gather(*waiting)
    running.cancel()
    assert acceptance.batches == [["a"], ["b", "c"], ["d"], ["e"]]


class PickyAcceptance:
    """Fails as a whole if one of these is among the submissions."""

    def __init__(self, *culprits: str) -> None:
        self.culprits = set(culprits)
        self.transactions = 0

    async def accept(self, submissions: Sequence[Submission]) -> list[IngestResult]:
        await asyncio.sleep(0)
        self.transactions += 1
        if bad := self.culprits & {one.correlation_id for one in submissions}:
            raise TextIsNotStorable(*bad)
        return [IngestResult(len(one.events), 0, 0, 0, (), 0, (), 0, 1) for one in submissions]


async def test_of_a_failed_transaction_only_the_culprits_fail() -> None:
    """A thousand neighbours of other tenants are accepted, in few more transactions."""
    culprits = {"400", "401", "999"}
    acceptance = PickyAcceptance(*culprits)
    writer = GroupCommitWriter(
        acceptance.accept, transaction_max=BatchSize(5000, PLENTY), waiting_max=BatchSize(5000, PLENTY)
    )
    names = [str(number) for number in range(1003)]
    running = asyncio.create_task(writer.run())
    outcomes = await asyncio.gather(
        *(writer.submit(submission(name)) for name in names), return_exceptions=True
    )
    running.cancel()
    failed = {name for name, outcome in zip(names, outcomes, strict=True) if isinstance(outcome, Exception)}
    assert failed == culprits
    assert acceptance.transactions < 3 * 2 * 11


async def test_without_a_database_nothing_is_tried_again_in_halves() -> None:
    """It is nobody's fault, and more transactions would only make it last longer."""
    acceptance = GatedAcceptance()
    acceptance.error = StoreIsUnavailable
    acceptance.failures = 1
    acceptance.open.set()
    writer = GroupCommitWriter(
        acceptance.accept, transaction_max=BatchSize(5, PLENTY), waiting_max=BatchSize(10, PLENTY)
    )
    waiting = [asyncio.create_task(writer.submit(submission(name))) for name in "abcd"]
    await asyncio.sleep(0)
    running = asyncio.create_task(writer.run())
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    running.cancel()
    assert [type(outcome) for outcome in outcomes] == [StoreIsUnavailable] * 4
    assert acceptance.batches == [["a", "b", "c", "d"]]


async def test_a_failed_transaction_is_told_to_its_own_and_the_writer_goes_on() -> None:
    """Nothing was accepted, so the clients may send it again."""
    acceptance = GatedAcceptance()
    acceptance.failures = 1
    acceptance.open.set()
    writer = GroupCommitWriter(
        acceptance.accept, transaction_max=BatchSize(5, PLENTY), waiting_max=BatchSize(10, PLENTY)
    )
    running = asyncio.create_task(writer.run())
    with pytest.raises(ConnectionError):
        await writer.submit(submission("a"))
    assert (await writer.submit(submission("b"))).accepted == 1
    running.cancel()
