"""The story words themselves must be able to say no."""

from collections.abc import Sequence

import pytest

from shared.framework.core.decider import Decider
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind
from shared.framework.testing.spec import Spec


class DoorIsLocked(Refusal):
    """A locked door does not open."""

    code = "door-is-locked"
    kind = RefusalKind.CONFLICT


class DoorIsGone(DoorIsLocked):
    """There is no door."""

    code = "door-is-gone"


def decide(state: str, command: str) -> Sequence[str]:
    if state == "locked":
        raise DoorIsLocked(command)
    return [] if state == command else [command]


def evolve(state: str, event: str) -> str:
    if event not in {"open", "shut", "locked"}:
        raise ImpossibleHistory(state, event)
    return event


door = Spec(Decider("shut", decide, evolve))


def test_a_story_with_the_right_ending_passes_and_goes_on() -> None:
    """The ending of one story is the history of the next."""
    door.when("open").then("open").when("shut").then("shut").when("shut").then_nothing()


def test_a_story_with_another_ending_fails() -> None:
    """Both what was decided and what was expected are shown."""
    with pytest.raises(AssertionError, match=r"decided: .*'open'"):
        door.when("open").then("shut")


def test_a_story_with_too_few_events_fails() -> None:
    """Nothing expected is not anything goes."""
    with pytest.raises(AssertionError):
        door.given("open").when("shut").then_nothing()


def test_a_refusal_is_recognised_and_returned() -> None:
    """So that its sentence can be looked at."""
    assert str(door.given("locked").when("open").refuses(DoorIsLocked)) == "open"


def test_another_refusal_does_not_count_not_even_a_parent_class() -> None:
    """A refusal is exactly one reason."""
    with pytest.raises(AssertionError, match="door-is-locked"):
        door.given("locked").when("open").refuses(DoorIsGone)


def test_an_expected_refusal_that_does_not_come_fails() -> None:
    """A story about a no must hear the no."""
    with pytest.raises(AssertionError, match="door-is-locked"):
        door.when("open").refuses(DoorIsLocked)


def test_an_event_that_evolve_does_not_know_is_found_at_once() -> None:
    """Deciding something that history cannot remember is a defect."""
    with pytest.raises(ImpossibleHistory):
        door.when("explode").then("explode")
