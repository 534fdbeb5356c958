"""The decider: an aggregate as an initial state and two pure functions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

State = TypeVar("State")
Command = TypeVar("Command")
EventT = TypeVar("EventT")


@dataclass(frozen=True, slots=True)
class Decider(Generic[State, Command, EventT]):
    """`decide` returns the events of a command or raises a Refusal; `evolve` applies an event to a state.

    `evolve` never refuses: it raises ImpossibleHistory for an event that cannot have happened in that state.
    """

    initial: State
    decide: Callable[[State, Command], Sequence[EventT]]
    evolve: Callable[[State, EventT], State]

    def fold(self, events: Iterable[EventT], start: State | None = None) -> State:
        """The state after these events, from the initial state or from `start`."""
        return reduce(self.evolve, events, self.initial if start is None else start)
