"""Shrinks the plan of a failing seed: what is not needed to violate the same invariant is left out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import TypeVar

from tests.simulation.lives import Outcome, run
from tests.simulation.plan import CALM, Plan, Weather

T = TypeVar("T")

RUNS_MAX = 150


def shrunk(outcome: Outcome, runs_max: int = RUNS_MAX, live: Callable[[Plan], Outcome] = run) -> Outcome:
    """The outcome of the smallest plan found that violates what this one does."""
    smallest, runs = outcome, 0
    progress = True
    while progress and runs < runs_max:
        progress = False
        for plan in _smaller(smallest.plan):
            if runs >= runs_max:
                break
            runs += 1
            found = live(plan)
            if kind_of(found) == kind_of(outcome):
                smallest, progress = found, True
                break
    return smallest


def kind_of(outcome: Outcome) -> str | None:
    """The name of the first invariant that is violated."""
    return outcome.violation.partition(":")[0] if outcome.violation else None


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Plans that lack something, those that lack most first."""
    if plan.weather != CALM:
        yield replace(plan, weather=CALM)
    if plan.faults:
        yield replace(plan, faults=())
    if plan.quiet_at:
        yield replace(plan, quiet_at=())
    for rest in _parts_left_out(plan.steps):
        yield replace(plan, steps=rest)
    for faults in _parts_left_out(plan.faults):
        yield replace(plan, faults=faults)
    for field in fields(Weather):
        if getattr(plan.weather, field.name):
            yield replace(plan, weather=replace(plan.weather, **{field.name: 0.0}))
    if plan.replicas:
        yield replace(plan, replicas={})


def _parts_left_out(parts: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """All but one half, then all but one quarter, and so on down to all but one."""
    size = len(parts) // 2
    while size:
        for first in range(0, len(parts), size):
            yield (*parts[:first], *parts[first + size :])
        size //= 2
