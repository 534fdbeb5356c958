"""Stories about a decider, told in events: given a history, when a command comes, then these events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import msgspec

from shared.framework.core.decider import Decider
from shared.framework.core.event import Event
from shared.framework.core.refusals import Refusal
from shared.framework.eventstore.codec import encode, json_bytes

State = TypeVar("State")
Command = TypeVar("Command")
EventT = TypeVar("EventT")
RefusalT = TypeVar("RefusalT", bound=Refusal)


@dataclass(frozen=True, slots=True)
class Spec(Generic[State, Command, EventT]):
    """Stories about one decider; nothing in them is doubled, stored or awaited.

    `invoice = Spec(INVOICE)`, then `invoice.given(drafted).when(finalize).then(finalized)`.
    """

    decider: Decider[State, Command, EventT]

    def given(self, *history: EventT) -> "Given[State, Command, EventT]":
        """What has happened so far, oldest first; nothing for a stream that does not exist."""
        return Given(self.decider, history)

    def when(self, command: Command) -> "When[State, Command, EventT]":
        """The first command of a stream."""
        return self.given().when(command)


@dataclass(frozen=True, slots=True)
class Given(Generic[State, Command, EventT]):
    """A history; its published events are read back from the bytes that would have been stored."""

    decider: Decider[State, Command, EventT]
    history: tuple[EventT, ...]

    def when(self, command: Command) -> "When[State, Command, EventT]":
        """What is asked now."""
        return When(self, command)

    def and_then(self, *events: EventT) -> "Given[State, Command, EventT]":
        """The same history, gone on."""
        return Given(self.decider, (*self.history, *events))

    @property
    def state(self) -> State:
        """What the history amounts to."""
        return self.decider.fold(map(_as_stored, self.history))


@dataclass(frozen=True, slots=True)
class When(Generic[State, Command, EventT]):
    """A command that meets a history: exactly one of the endings below must be claimed of it."""

    before: Given[State, Command, EventT]
    command: Command

    def then(self, *expected: EventT) -> Given[State, Command, EventT]:
        """Exactly these events follow (none: nothing happens), and history can remember them."""
        events = tuple(self.decided)
        assert events == expected, f"\ndecided:  {_listed(events)}\nexpected: {_listed(expected)}"
        after = self.before.and_then(*events)
        _ = after.state  # evolve must know what decide says
        return after

    def then_nothing(self) -> Given[State, Command, EventT]:
        """It was done before, or it is nothing to us."""
        return self.then()

    def refuses(self, refusal: type[RefusalT]) -> RefusalT:
        """It is refused, for exactly this reason; the refusal is returned for a closer look."""
        try:
            events = tuple(self.decided)
        except Refusal as refused:
            if type(refused) is refusal:
                return refused
            raise AssertionError(f"expected {refusal.code}, but: {refused.code}: {refused}") from refused
        raise AssertionError(f"expected {refusal.code}, but it was decided: {_listed(events)}")

    @property
    def decided(self) -> Sequence[EventT]:
        """What the decider says, for the rare story whose events are better looked at than written out."""
        return self.before.decider.decide(self.before.state, self.command)


def _as_stored(event: EventT) -> EventT:
    if not isinstance(event, Event):
        return event
    return cast(EventT, msgspec.json.decode(json_bytes(event.wire_name, encode(event)), type=type(event)))


def _listed(events: Sequence[object]) -> str:
    return "\n          ".join(map(repr, events)) or "nothing"
