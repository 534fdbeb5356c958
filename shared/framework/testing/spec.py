"""Tests of a decider: given events, when a command, then events or a refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import msgspec

from shared.framework.core.decider import Decider
from shared.framework.core.event import Event
from shared.framework.core.refusals import Refusal
from shared.framework.eventstore.contracts import encode, json_bytes

State = TypeVar("State")
Command = TypeVar("Command")
EventT = TypeVar("EventT")
RefusalT = TypeVar("RefusalT", bound=Refusal)


@dataclass(frozen=True, slots=True)
class Spec(Generic[State, Command, EventT]):
    """Tests of one decider, without a store.

    `invoice = Spec(INVOICE)`, then `invoice.given(drafted).when(finalize).then(finalized)`.
    """

    decider: Decider[State, Command, EventT]

    def given(self, *history: EventT) -> "Given[State, Command, EventT]":
        """Past events, oldest first; none for a stream that does not exist."""
        return Given(self.decider, history)

    def when(self, command: Command) -> "When[State, Command, EventT]":
        """A command to a stream that does not exist."""
        return self.given().when(command)


@dataclass(frozen=True, slots=True)
class Given(Generic[State, Command, EventT]):
    """Past events, each encoded and decoded as by the store."""

    decider: Decider[State, Command, EventT]
    history: tuple[EventT, ...]

    def when(self, command: Command) -> "When[State, Command, EventT]":
        """A command after these events."""
        return When(self, command)

    def and_then(self, *events: EventT) -> "Given[State, Command, EventT]":
        """These events and later ones."""
        return Given(self.decider, (*self.history, *events))

    @property
    def state(self) -> State:
        """The state after these events."""
        return self.decider.fold(map(_as_stored, self.history))


@dataclass(frozen=True, slots=True)
class When(Generic[State, Command, EventT]):
    """A command after past events; the methods assert what it does."""

    before: Given[State, Command, EventT]
    command: Command

    def then(self, *expected: EventT) -> Given[State, Command, EventT]:
        """Assert that exactly these events follow, and that `evolve` accepts them."""
        events = tuple(self.decided)
        assert events == expected, f"\ndecided:  {_listed(events)}\nexpected: {_listed(expected)}"
        after = self.before.and_then(*events)
        _ = after.state  # evolve must accept what decide returns
        return after

    def then_nothing(self) -> Given[State, Command, EventT]:
        """Assert that no event follows."""
        return self.then()

    def refuses(self, refusal: type[RefusalT]) -> RefusalT:
        """Assert that exactly this refusal is raised; returns it."""
        try:
            events = tuple(self.decided)
        except Refusal as refused:
            if type(refused) is refusal:
                return refused
            raise AssertionError(f"expected {refusal.code}, but: {refused.code}: {refused}") from refused
        raise AssertionError(f"expected {refusal.code}, but it was decided: {_listed(events)}")

    @property
    def decided(self) -> Sequence[EventT]:
        """The events of the command, for assertions on parts of them."""
        return self.before.decider.decide(self.before.state, self.command)


def _as_stored(event: EventT) -> EventT:
    if not isinstance(event, Event):
        return event
    return cast(EventT, msgspec.json.decode(json_bytes(event.wire_name, encode(event)), type=type(event)))


def _listed(events: Sequence[object]) -> str:
    return "\n          ".join(map(repr, events)) or "nothing"
