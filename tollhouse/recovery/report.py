"""What a reconciliation found and did, for people and as JSON."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.framework.eventstore.records import EventRecord


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event in a report."""

    context: str
    tenant_id: str
    stream_id: str
    version: int
    wire_name: str
    position: int
    recorded_at: datetime

    @classmethod
    def of(cls, record: EventRecord) -> "EventLine":
        """The line of a record."""
        return cls(
            record.context,
            record.tenant_id,
            record.stream_id,
            record.version,
            record.wire_name,
            record.position,
            record.recorded_at,
        )

    def __str__(self) -> str:
        """For people, in one line."""
        return (
            f"{self.wire_name}, stream {self.stream_id} version {self.version}, position {self.position},"
            f" tenant {self.tenant_id}, recorded {self.recorded_at.isoformat()}"
        )


@dataclass(frozen=True, slots=True)
class OrphanedEffect:
    """An event whose cause, an event of another context, exists nowhere any more."""

    effect: EventLine
    cause_id: str


@dataclass(slots=True)
class RecoveryReport:
    """What was found, done and lost.

    `contradictions`: as they were found. `put_back`: lost events that a copy gave back. `lost`: those that
    are known from a copy and could not be put back, with the reason. `history_ends_at`: when the newest event
    of each context was recorded that was not put back; commands that were answered later are lost, unless
    they are among those put back.
    """

    contradictions: list[str] = field(default_factory=list)
    put_back: list[EventLine] = field(default_factory=list)
    lost: list[tuple[EventLine, str]] = field(default_factory=list)
    rewound: list[str] = field(default_factory=list)
    continues_at: dict[str, int] = field(default_factory=dict)
    history_ends_at: dict[str, datetime | None] = field(default_factory=dict)
    read_side: str = "unchanged"
    usage_rebuilt: bool = False
    dead_letters_removed: int = 0
    broker_emptied: bool = False
    orphaned: list[OrphanedEffect] = field(default_factory=list)

    def lines(self) -> Sequence[str]:
        """For people: what was found, what was done, and what is lost."""
        return [
            *(f"found: {one}" for one in self.contradictions),
            *(f"put back: {count} x {name}" for name, count in _counted(self.put_back)),
            *(f"done: {one}" for one in self.rewound),
            *(
                f"done: {context} goes on above position {position}"
                for context, position in self.continues_at.items()
            ),
            *([f"done: the read side was {self.read_side}"] if self.read_side != "unchanged" else []),
            *(["done: metering counts the usage of ingest's history again"] if self.usage_rebuilt else []),
            *(["done: the broker's topics are empty"] if self.broker_emptied else []),
            *(
                [f"done: {self.dead_letters_removed} dead letters of lost events removed"]
                if self.dead_letters_removed
                else []
            ),
            *(f"lost: {line} ({reason})" for line, reason in self.lost),
            *(f"without its cause: {line}" for line in _by_cause(self.orphaned)),
            *(
                f"history of {context} ends at {ends.isoformat() if ends else 'its beginning'}:"
                " what was answered later must be asked for again"
                for context, ends in self.history_ends_at.items()
            ),
        ]


def _by_cause(orphaned: Sequence[OrphanedEffect]) -> Sequence[str]:
    """One line for each missing cause: its first effect, and how many others it had."""
    effects: defaultdict[str, list[EventLine]] = defaultdict(list)
    for one in orphaned:
        effects[one.cause_id].append(one.effect)
    first = [(min(found, key=lambda line: line.position), len(found) - 1) for found in effects.values()]
    return [f"{line}, and {others} more" if others else str(line) for line, others in first]


def _counted(lines: Sequence[EventLine]) -> Sequence[tuple[str, int]]:
    return sorted(Counter(line.wire_name for line in lines).items())
