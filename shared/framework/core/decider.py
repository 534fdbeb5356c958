"""A decider is three pure things: where it starts, what it decides, what an event makes true."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

State = TypeVar("State")
Command = TypeVar("Command")
EventT = TypeVar("EventT")


@dataclass(frozen=True, slots=True)
class Decider(Generic[State, Command, EventT]):
    """`decide` judges and may refuse; `evolve` only remembers, for history is never judged again."""

    initial: State
    decide: Callable[[State, Command], Sequence[EventT]]
    evolve: Callable[[State, EventT], State]

    def fold(self, events: Iterable[EventT], start: State | None = None) -> State:
        """The state after these events, from the beginning or from a state already reached."""
        return reduce(self.evolve, events, self.initial if start is None else start)
