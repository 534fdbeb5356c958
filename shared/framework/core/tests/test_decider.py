"""A decider only remembers; a refusal tells its title."""

from shared.framework.core.decider import Decider
from shared.framework.core.refusals import Refusal, RefusalKind

COUNTER: Decider[int, int, int] = Decider(0, lambda _, asked: [asked], lambda count, one: count + one)


def test_folding_in_two_goes_is_folding_at_once() -> None:
    """So a state may be kept and gone on from."""
    assert COUNTER.fold([3, 4], start=COUNTER.fold([1, 2])) == COUNTER.fold([1, 2, 3, 4]) == 10


def test_nothing_that_happened_is_the_initial_state() -> None:
    """Also when folding goes on from a state that is falsy."""
    assert COUNTER.fold([]) == 0
    assert COUNTER.fold([], start=0) == 0


class DoorIsLocked(Refusal):
    """A locked door does not open.

    More is said further down.
    """

    code = "door-is-locked"
    kind = RefusalKind.CONFLICT


def test_the_title_of_a_refusal_is_its_first_line() -> None:
    """One sentence for people, written once."""
    assert DoorIsLocked("front").title == "A locked door does not open."
    assert str(DoorIsLocked("front")) == "front"
