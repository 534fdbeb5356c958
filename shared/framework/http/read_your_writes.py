"""Read your writes: a response to a command has its positions, and a later request can wait for them."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.framework.core.ids import partition_of
from shared.framework.eventstore.ports import TestClockIsAdvancing
from shared.framework.eventstore.records import CommitReceipt, TenantClock
from shared.framework.http.refusals import PositionIsNotReached, PositionIsUnreadable

POSITION_HEADER = "Tollhouse-Position"
WAIT_FOR_HEADER = "Tollhouse-Wait-For"

WAIT_MAX_S = 5.0
TOKENS_MAX = 16
_TOKEN = re.compile(r"\s*([a-z]{1,32}):([0-9]{1,4}):([0-9]{1,18})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class PositionToken:
    """A position in one partition of a context's topic."""

    context: str
    partition: int
    position: int

    def __str__(self) -> str:
        """As in headers: `invoicing:3:1042`."""
        return f"{self.context}:{self.partition}:{self.position}"


class PositionWaiter(Protocol):
    """Port: waits for positions of other contexts in this process."""

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        """Wait until a position of another context has been handled; False after `timeout_s`.

        True at once for a context that this process does not subscribe to, so that a client may send all its
        positions to every service.
        """

    async def catch_up(self, context: str, timeout_s: float) -> None:
        """Wait until all that a context has stored by now has been handled, at most `timeout_s`."""


class NoUpstreamPositions:
    """The waiter of a process without a consumer."""

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        """True at once."""
        return True

    async def catch_up(self, context: str, timeout_s: float) -> None:
        """At once."""


class ClockWaiter(Protocol):
    """Port: waits for the end of a test clock's advance in this context."""

    async def wait(self, tenant_id: str, timeout_s: float) -> TenantClock | None:
        """The clock when it stands (None: there is none). Raises TestClockIsAdvancing after `timeout_s`."""


class NoClockWaiter:
    """The waiter of an application without a process."""

    async def wait(self, tenant_id: str, timeout_s: float) -> TenantClock | None:
        """Raise TestClockIsAdvancing at once."""
        raise TestClockIsAdvancing(tenant_id)


def position_tokens(context: str, receipt: CommitReceipt, partitions: int) -> tuple[PositionToken, ...]:
    """The last position of a commit in each partition, by partition."""
    reached: dict[int, int] = {}
    for at in receipt.positions:
        partition = partition_of(at.slot, partitions)
        reached[partition] = max(at.position, reached.get(partition, 0))
    return tuple(
        PositionToken(context, partition, position) for partition, position in sorted(reached.items())
    )


def format_tokens(tokens: Iterable[PositionToken]) -> str:
    """The value of a Tollhouse-Position header."""
    return ", ".join(map(str, tokens))


def parse_tokens(header: str) -> tuple[PositionToken, ...]:
    """The tokens in a Tollhouse-Wait-For header. Raises PositionIsUnreadable."""
    parts = header.split(",")
    matches = [_TOKEN.fullmatch(part) for part in parts]
    if len(parts) > TOKENS_MAX or None in matches:
        raise PositionIsUnreadable(
            f"{WAIT_FOR_HEADER} holds at most {TOKENS_MAX} of context:partition:position"
        )
    return tuple(PositionToken(m[1], int(m[2]), int(m[3])) for m in matches if m is not None)


async def wait_for(tokens: Sequence[PositionToken], waiter: PositionWaiter, *, own_context: str) -> None:
    """Wait for all tokens of other contexts, up to WAIT_MAX_S. Raises PositionIsNotReached."""
    others = [token for token in tokens if token.context != own_context]
    waits = (
        waiter.wait_for_position(token.context, token.partition, token.position, WAIT_MAX_S)
        for token in others
    )
    reached = await asyncio.gather(*waits)
    late = [token for token, is_reached in zip(others, reached, strict=True) if not is_reached]
    if late:
        raise PositionIsNotReached(format_tokens(late))
