"""The plan of one seed, which is data: what clients do, which faults happen, how likely others are."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """What a client does `at` seconds after the beginning, once the steps named in `after` have succeeded.

    `name` identifies it in its plan. A step whose `after` was refused, or left out of the plan, is not done.
    """

    at: float
    capability: str
    action: str
    arguments: dict[str, Any]
    name: str = ""
    after: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.capability}.{self.action}({', '.join(f'{k}={v!r}' for k, v in self.arguments.items())})"
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that begins `at` seconds after the beginning; `kind` names a function of faults.py."""

    at: float
    kind: str
    arguments: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(f'{k}={v!r}' for k, v in self.arguments.items())})"


@dataclass(frozen=True, slots=True)
class Weather:
    """Probabilities of faults that are drawn while the world runs; all zero in a calm seed."""

    suspends: float = 0.0
    """Of a call of a port: that another task runs before it, and again after it."""
    slow: float = 0.0
    """Of a call of a port: that it takes up to two seconds."""
    message_lost: float = 0.0
    message_doubled: float = 0.0
    message_late: float = 0.0
    conflict: float = 0.0
    """Of a commit: VersionConflict without a cause."""
    commit_lost: float = 0.0
    """Of a commit: the connection breaks before it, so nothing is written."""
    commit_unknown: float = 0.0
    """Of a commit: the connection breaks after it."""
    read_fails: float = 0.0
    feed_fails: float = 0.0
    answer_lost: float = 0.0
    """Of a request: that the client does not get the response, and sends the request again."""
    impatience: float = 0.0
    """Of a pause between two steps: that the world does not come to rest in it."""


CALM = Weather()


@dataclass(frozen=True, slots=True)
class Plan:
    """A life: what one seed does. A smaller plan of the same seed is a valid one."""

    seed: int
    days: float
    partitions: int
    replicas: dict[str, int]
    tenants: tuple[str, ...]
    weather: Weather
    read_side_pause_s: float = 0.0
    """How long the read side waits before it takes the next messages, which are many then."""
    steps: tuple[Step, ...] = ()
    faults: tuple[Fault, ...] = ()
    quiet_at: tuple[float, ...] = ()
    """When faults stop and everything is checked; always also at the end."""
    facts: dict[str, Any] = field(default_factory=dict)

    def without(self, steps: set[str] = frozenset(), faults: set[int] = frozenset()) -> "Plan":  # type: ignore[assignment]
        """The plan without the steps of these names and the faults of these numbers."""
        return replace(
            self,
            steps=tuple(step for step in self.steps if step.name not in steps),
            faults=tuple(fault for number, fault in enumerate(self.faults) if number not in faults),
        )

    def to_json(self) -> str:
        """All of it, for people and for repeating."""
        return json.dumps(asdict(self), indent=1, default=str)
