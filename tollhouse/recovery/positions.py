"""Positions that the databases of an installation have, and contradictions between them.

A healthy installation has none: no event was consumed, published or archived that its context lacks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.billing.contracts import CONTRACTS, TOPICS
from shared.framework.eventstore.records import BEYOND_ALL
from tollhouse.servers.topics import PARTITIONS

ALL = -1

_INBOX = "SELECT consumer, topic, partition, position FROM inbox ORDER BY 1, 2, 3"
_CURSOR = "SELECT coalesce(max(position), 0) FROM relay_cursor"
_ARCHIVED = "SELECT coalesce(max(position), 0) FROM history WHERE context = $1"
_LAST = "SELECT coalesce(max(notification_id), 0) FROM events"
_DRAWN = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM events_notification_id_seq"
_HEADS = (
    "SELECT number, last_in_partition(number, $1, $2) FROM generate_series(0, $1 - 1) AS numbers (number)"
)


@dataclass(frozen=True, slots=True)
class KnownPosition:
    """A position of a context that `holder` knows; `consumer` is the name of its inbox, if it has one.

    Partition ALL: of the relay and the event archive, over all partitions.
    """

    holder: str
    context: str
    partition: int
    position: int
    consumer: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What one context has: its last position, the last of each partition, and the last that was drawn."""

    last: int
    drawn: int
    heads: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A position that someone knows and its context does not have."""

    known: KnownPosition
    head: int

    def __str__(self) -> str:
        """For people, in one line."""
        one = self.known
        place = one.context if one.partition == ALL else f"{one.context}/{one.partition}"
        return f"{one.holder} stands at {one.position} of {place}, beyond its head {self.head}"


async def known_positions(connection: Any, name: str) -> list[KnownPosition]:
    """The positions of others' events that a process's database knows, and those that its own relay has sent.

    In a running installation they must be read before any `history`.
    """
    known = [
        KnownPosition(
            f"consumer {row['consumer']}",
            CONTRACTS.contexts[row["topic"]],
            row["partition"],
            row["position"],
            row["consumer"],
        )
        for row in await connection.fetch(_INBOX)
        if row["topic"] in CONTRACTS.contexts
    ]
    if name in TOPICS:
        known.append(KnownPosition(f"the relay of {name}", name, ALL, await connection.fetchval(_CURSOR)))
    if await connection.fetchval("SELECT to_regclass('history') IS NOT NULL"):
        known += [
            KnownPosition("the event archive", context, ALL, await connection.fetchval(_ARCHIVED, context))
            for context in TOPICS
        ]
    return known


async def history_of(connection: Any) -> History:
    """What the context of this database has."""
    heads = await connection.fetch(_HEADS, PARTITIONS, BEYOND_ALL)
    return History(
        last=await connection.fetchval(_LAST),
        drawn=await connection.fetchval(_DRAWN),
        heads={row[0]: row[1] for row in heads},
    )


def contradictions(known: Sequence[KnownPosition], histories: Mapping[str, History]) -> list[Contradiction]:
    """The positions beyond the head of their partition (ALL: beyond the last position), in order."""
    found = []
    for one in known:
        if (history := histories.get(one.context)) is not None:
            head = history.last if one.partition == ALL else history.heads[one.partition]
            if one.position > head:
                found.append(Contradiction(one, head))
    return found
