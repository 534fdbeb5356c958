"""The life of a seed: its plan, and one run of it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from projections.audit.memory import memory_snapshot
from projections.audit.verify import verify
from shared.billing.contracts import CONTEXTS
from shared.framework.messaging.feed import InProcessFeeds
from tests.simulation.capability import DAY, Capability, Life, discovered
from tests.simulation.dice import Dice
from tests.simulation.facts import Facts
from tests.simulation.faults import KINDS, heal, planned_faults, weather_of
from tests.simulation.plan import Fault, Plan, Step
from tests.simulation.ports import UNSTORABLE
from tests.simulation.restores import ids_in, replay_dead_letters
from tests.simulation.services import TENANTS, app_of, in_memory
from tests.simulation.world import REST_S, SERVICES, Violation, World

PATIENCE_S = 3.0
"""Virtual seconds for which the true time waits until everything rests; a step due sooner does not wait."""

SECOND_REPLICA = {"metering": 0.4}
"""Backfills of meters run in all its processes at once, without a leader."""


def plan_of(seed: int, capabilities: Sequence[Capability] | None = None, days: float = 14.0) -> Plan:
    """What the seed does."""
    dice = Dice(seed, "plan")
    weather = weather_of(dice)
    force = dice.one_of((0.0, 0.3, 1.0)) if weather.slow or weather.answer_lost else dice.one_of((0.0, 0.3))
    replicas = {context: 2 if dice.happens(SECOND_REPLICA.get(context, 0.15)) else 1 for context in SERVICES}
    life = Life(dice, days, TENANTS[: 1 + dice.below(2)])
    for capability in discovered() if capabilities is None else capabilities:
        capability.plan(life)
    steps = _crowded(sorted(life.steps, key=lambda step: (step.at, step.name)), dice)
    return Plan(
        seed=seed,
        days=days,
        partitions=dice.one_of((1, 2, 3)),
        replicas=replicas,
        tenants=life.tenants,
        weather=weather,
        read_side_pause_s=dice.one_of((0.0, 1.0, 5.0)),
        steps=steps,
        faults=tuple(planned_faults(life, replicas, force)),
        quiet_at=tuple(sorted(dice.between(0, days * DAY) for _ in range(dice.below(3)))),
    )


def _crowded(steps: Sequence[Step], dice: Dice) -> tuple[Step, ...]:
    """Some steps are done at the moment of the one before them, so that requests meet."""
    share, found = dice.one_of((0.0, 0.1, 0.4)), list[Step]()
    for step in steps:
        found.append(replace(step, at=found[-1].at) if found and dice.happens(share) else step)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one run; `violation` is None if everything held."""

    plan: Plan
    violation: str | None
    digest: str
    events: int
    callbacks: int
    story: Sequence[str]


def run(plan: Plan, capabilities: Sequence[Capability] | None = None) -> Outcome:
    """Live a plan."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        return _outcome_of(plan, capabilities)
    finally:
        logging.disable(disabled)


def _outcome_of(plan: Plan, capabilities: Sequence[Capability] | None) -> Outcome:
    for context in CONTEXTS:
        app_of(context, plan.partitions)
    with in_memory():
        world = World(plan, weather=plan.weather)
        violation = None
        try:
            _live(world, list(discovered() if capabilities is None else capabilities))
        except Violation as found:
            violation = str(found)
        records = world.records()
        outcome = Outcome(plan, violation, world.digest(), len(records), world.loop.callbacks, world.story)
        world.end()
        return outcome


def _live(world: World, capabilities: Sequence[Capability]) -> None:
    world.actions = {one.name: one.actions for one in capabilities}
    moments: list[tuple[float, int, Step | Fault | None]] = [
        *((step.at, 1, step) for step in world.plan.steps),
        *((fault.at, 2, fault) for fault in world.plan.faults),
        *((at, 3, None) for at in world.plan.quiet_at),
        (world.plan.days * DAY, 4, None),
    ]
    for at, order, what in sorted(moments, key=lambda moment: moment[:2]):
        _advance(world, at)
        match what:
            case Step():
                world.perform(what, world.actions[what.capability][what.action])
            case Fault():
                world.note(f"fault: {what}")
                KINDS[what.kind](world, **what.arguments)
            case None:
                _check_at_rest(world, capabilities, is_last=order == 4)


def _advance(world: World, at: float) -> None:
    """Let time go on to `at`, from timer to timer."""
    while world.seconds() < at:
        if world.dice.happens(world.weather.impatience):
            world.run(world.dice.between(0, 0.5))
        else:
            world.rest(min(PATIENCE_S, at - world.seconds()), with_read_side=False)
        if world.seconds() < at:
            due = world.next_timer_s()
            world.leap(at if due is None else min(at, due))


def _check_at_rest(world: World, capabilities: Sequence[Capability], *, is_last: bool) -> None:
    """Stop all faults, wait for everything to come to rest, check, and let the faults go on."""
    weather = world.weather
    heal(world)
    world.rest(REST_S)
    if world.restores:
        replay_dead_letters(world)
        world.rest(REST_S)
    world.run(1.1)  # what metering publishes every half second: totals, and events that cannot be read
    if not world.rest(REST_S, is_last=True):
        raise Violation(f"liveness (I16): after {REST_S} s: {_unfinished(world)}")
    world.note("everything rests")
    facts = Facts.of(world)
    problems = [
        f"{name}: {problem}"
        for capability in capabilities
        for name, check in capability.checks.items()
        for problem in check(facts)
    ]
    problems += _common(world)
    if is_last:
        problems += _rebuild_differs(world)
    if problems:
        raise Violation("\n".join(problem[:600] for problem in problems[:4]))
    world.weather = weather


def _unfinished(world: World) -> str:
    waiting = [str(step) for step in world.clients.values()]
    return "; ".join([*filter(None, [world.unfinished(world.hosts)]), *waiting[:3]])


def _common(world: World) -> list[str]:
    """What holds whatever the capabilities are."""
    found = [f"a client's step broke: {broken}" for broken in world.memory.get("broken", [])]
    found += [f"a background task ended: {ended}" for ended in world.ended]
    lost = set().union(*(one.ids() for one in world.restores))
    found += [f"restore: {untold}" for one in world.restores for untold in one.untold()]
    for context, store in world.stores.items():
        letters = world.loop.run_now(store.dead_letters())
        found += [
            f"dead letter of {context}: {letter.record.wire_name} {letter.cause}"
            for letter in letters
            if lost.isdisjoint(ids_in(letter.record))
        ]
    bodies: dict[tuple[str, str, str], bytes] = {}
    for request, answer in world.answers:
        if request.key and answer.is_ok:
            first = bodies.setdefault((request.context, request.tenant, request.key), answer.raw)
            if first != answer.raw:
                found.append(f"I11: {request.path} key {request.key}: {first!r}, then {answer.raw!r}")
        if answer.status == 500 and UNSTORABLE not in str(request.body):
            found.append(f"500: {request.method} {request.path}")
    return found


def _rebuild_differs(world: World) -> list[str]:
    """I6, I7, I8: the product's own audit of the read side."""

    async def audit() -> list[str]:
        async with memory_snapshot(world.stores["projections"], "projections") as snapshot:
            report = await verify(snapshot, InProcessFeeds(world.stores), world.plan.partitions)
        return [f"I6: {difference}" for difference in report.differences]

    return world.loop.complete(audit(), REST_S)
