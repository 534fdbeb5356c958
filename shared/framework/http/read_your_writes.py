"""Reading one's own writes: a command tells how far its history has come, a later request waits for that."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.framework.core.ids import partition_of
from shared.framework.eventstore.records import CommitReceipt
from shared.framework.http.refusals import PositionIsNotReached, PositionIsUnreadable

POSITION_HEADER = "Tollhouse-Position"
WAIT_FOR_HEADER = "Tollhouse-Wait-For"

WAIT_MAX_S = 5.0
MARKS_MAX = 16
_MARK = re.compile(r"\s*([a-z]{1,32}):([0-9]{1,4}):([0-9]{1,18})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class PositionToken:
    """A place in the history of a context: position in one of its partitions."""

    context: str
    partition: int
    position: int

    def __str__(self) -> str:
        """As headers spell it: `invoicing:3:1042`."""
        return f"{self.context}:{self.partition}:{self.position}"


class PositionWaiter(Protocol):
    """Knows how far this process has heard the others."""

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        """Wait until that position of another context has been taken in; False if time ran out first.

        True at once for a context that this process does not hear, so a client may send every position
        that it has been told to every service.
        """
        ...


class NoUpstreamPositions:
    """The waiter of a process that consumes nothing: it has nothing to wait for."""

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        """At once: whatever it is, it will never change an answer of this process."""
        return True


def position_tokens(context: str, receipt: CommitReceipt, partitions: int) -> tuple[PositionToken, ...]:
    """How far a commit brought each partition that it touched."""
    reached: dict[int, int] = {}
    for place in receipt.positions:
        partition = partition_of(place.slot, partitions)
        reached[partition] = max(place.position, reached.get(partition, 0))
    return tuple(
        PositionToken(context, partition, position) for partition, position in sorted(reached.items())
    )


def format_tokens(marks: Iterable[PositionToken]) -> str:
    """The value of a Tollhouse-Position header."""
    return ", ".join(map(str, marks))


def parse_tokens(header: str) -> tuple[PositionToken, ...]:
    """The marks in a Tollhouse-Wait-For header; PositionIsUnreadable for anything that we never spelt."""
    parts = header.split(",")
    matches = [_MARK.fullmatch(part) for part in parts]
    if len(parts) > MARKS_MAX or None in matches:
        raise PositionIsUnreadable(
            f"{WAIT_FOR_HEADER} holds at most {MARKS_MAX} of context:partition:position"
        )
    return tuple(PositionToken(m[1], int(m[2]), int(m[3])) for m in matches if m is not None)


async def wait_for(marks: Sequence[PositionToken], waiter: PositionWaiter, *, own_context: str) -> None:
    """Return when all are reached (this context's own always are), or raise PositionIsNotReached."""
    others = [mark for mark in marks if mark.context != own_context]
    waits = (
        waiter.wait_for_position(mark.context, mark.partition, mark.position, WAIT_MAX_S) for mark in others
    )
    reached = await asyncio.gather(*waits)
    late = [mark for mark, there in zip(others, reached, strict=True) if not there]
    if late:
        raise PositionIsNotReached(format_tokens(late))
