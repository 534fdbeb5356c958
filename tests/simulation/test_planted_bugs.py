"""A test of the test: the world catches a planted bug. `make sim-bugs` plants all of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.lives import Outcome, plan_of, run
from tests.simulation.plan import Plan
from tests.simulation.planted_bugs import PATCHES, hunt, plant
from tests.simulation.shrink import shrunk

CAUGHT_AT_ONCE = "tie_is_rounded_to_even"


def test_fifteen_bugs_are_there_to_be_planted() -> None:
    assert len(PATCHES) >= 15


@pytest.mark.parametrize("bug", PATCHES)
def test_a_bug_can_be_planted(bug: str, tmp_path: Path) -> None:
    """When this fails the code around the bug has moved: plant it by hand, and save `git diff`."""
    plant(bug, tmp_path)


@pytest.mark.timeout(180)
def test_a_planted_bug_is_caught() -> None:
    caught = hunt(CAUGHT_AT_ONCE, seeds=20, limit_s=170.0)
    assert caught.seed is not None, "no seed fails with the bug"


def test_a_failing_plan_is_shrunk_to_what_it_needs() -> None:
    """The violation is made up: every plan that still has one step violates."""
    whole = run(plan_of(11))
    needed = whole.plan.steps[len(whole.plan.steps) // 2].name

    def live(plan: Plan) -> Outcome:
        fails = any(step.name == needed for step in plan.steps)
        return replace(whole, plan=plan, violation="I1: made up" if fails else None)

    smallest = shrunk(live(whole.plan), live=live)
    assert smallest.violation == "I1: made up"
    assert [step.name for step in smallest.plan.steps] == [needed]
    assert smallest.plan.faults == ()
