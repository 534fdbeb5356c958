"""Faults that are planned: each function begins one, given the world and the arguments in the plan."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.simulation import restores
from tests.simulation.capability import DAY, Life
from tests.simulation.dice import Dice
from tests.simulation.plan import Fault, Weather
from tests.simulation.process import Host
from tests.simulation.restores import Image
from tests.simulation.world import SERVICES, World


def crash(world: World, host: str, after: int, down_s: float) -> None:
    """End a process after so many more of its callbacks: at any await."""
    _host(world, host).crash_after = after


def pause(world: World, host: str, for_s: float) -> None:
    """Let a process stand still, its connections open, while others go on; its leases are lost meanwhile."""
    paused = _host(world, host)
    paused.is_paused = True

    def go_on() -> None:
        paused.is_paused = False
        world.loop.resume()

    world.loop.call_later(for_s, go_on)
    for name in [n for n, lease in world.leases.holders.items() if lease.process.host is paused]:
        world.leases.grant_again(name)


def broker_down(world: World, for_s: float) -> None:
    """Stop the broker for a while."""
    world.broker.stop()
    world.loop.call_later(for_s, world.broker.start)


def broker_forgets(world: World) -> None:
    """The broker starts again as another cluster without messages."""
    world.broker.lose_all_messages()


def second_leader(world: World, context: str, lease: str) -> None:
    """Grant a lease to a second process, while the first goes on."""
    world.leases.grant_again(f"{context} {lease}:{context}")


def lost_lease(world: World, context: str, lease: str) -> None:
    """Let a leader find that its lease is lost."""
    world.leases.revoke(f"{context} {lease}:{context}")


def clock_jump(world: World, host: str, by_s: float, for_s: float) -> None:
    """Let the clock of a host be wrong for a while."""
    wrong = _host(world, host)
    wrong.skew = timedelta(seconds=by_s)

    def set_right() -> None:
        wrong.skew = timedelta(0)

    world.loop.call_later(for_s, set_right)


def backup(world: World, context: str) -> None:
    """Keep what the databases of a context and of the read side are now."""
    world.images = {name: Image.of(world, name) for name in (context, "projections")}


def restore(world: World, context: str, with_archive: bool, with_broker: bool, asks_again: bool) -> None:
    """Get a context back from its backup; what the read side and the broker still have, if they have it."""
    if context in world.images:
        if not with_broker:
            world.broker.lose_all_messages()
        wanted = (context,) if with_archive else (context, "projections")
        restores.restore(world, [world.images[name] for name in dict.fromkeys(wanted)], asks_again)


KINDS: dict[str, Callable[..., None]] = {
    fault.__name__: fault
    for fault in (
        *(crash, pause, broker_down, broker_forgets, second_leader, lost_lease, clock_jump),
        *(backup, restore),
    )
}


WITHOUT_RESTORE = [kind for kind in KINDS if kind not in ("backup", "restore")]
RESTORED = 0.2


def _host(world: World, name: str) -> Host:
    return next(host for host in world.hosts if host.name == name)


def heal(world: World) -> None:
    """End every fault; processes that have crashed start again."""
    world.weather = Weather()
    world.broker.start()
    for host in world.hosts:
        host.is_paused, host.skew, host.crash_after = False, timedelta(0), None
        world.start(host)
    world.loop.resume()


def weather_of(dice: Dice) -> Weather:
    """Calm, changeable or brutal: a third of the seeds each."""
    force = dice.one_of((0.0, 0.3, 1.0))
    if not force:
        return Weather(suspends=0.1)

    def drawn(most: float) -> float:
        return most * force * dice.random() if dice.happens(0.7) else 0.0

    return Weather(
        suspends=dice.between(0.05, 0.5),
        slow=drawn(0.15),
        message_lost=drawn(0.3),
        message_doubled=drawn(0.5),
        message_late=drawn(0.4),
        conflict=drawn(0.1),
        commit_lost=drawn(0.08),
        commit_unknown=drawn(0.08),
        read_fails=drawn(0.02),
        feed_fails=drawn(0.3),
        answer_lost=drawn(0.4),
        impatience=drawn(0.6),
    )


def planned_faults(life: Life, hosts: dict[str, int], force: float) -> list[Fault]:
    """Up to some twenty faults, most of them shortly after a step, when something is going on."""
    dice, faults = life.dice, []
    names = [f"{context}-{number}" for context, count in hosts.items() for number in range(count)]
    moments = [step.at for step in life.steps]
    for _ in range(dice.below(1 + int(20 * force))):
        at = dice.one_of(moments) + dice.between(0, 0.3) if moments else dice.between(0, life.days * DAY)
        faults.append(Fault(at, *_drawn(dice, names)))
    return sorted([*faults, *_planned_restore(life, moments)], key=lambda fault: fault.at)


def _planned_restore(life: Life, moments: list[float]) -> list[Fault]:
    """One context of a fifth of the seeds goes back, by seconds to days."""
    dice = life.dice
    if not moments or not dice.happens(RESTORED):
        return []
    context, at = dice.one_of(SERVICES), dice.one_of(moments) + dice.between(0, 0.3)
    later = at + dice.one_of((0.5, 60.0, 3600.0, 6 * 3600.0, DAY, 3 * DAY)) * dice.between(0.3, 1.0)
    options = {"with_archive": dice.happens(0.6), "with_broker": dice.happens(0.5)}
    options["asks_again"] = dice.happens(0.7)
    return [
        Fault(at, "backup", {"context": context}),
        Fault(min(later, life.end), "restore", {"context": context} | options),
    ]


def _drawn(dice: Dice, hosts: list[str]) -> tuple[str, dict[str, Any]]:
    kind = dice.one_of(("crash", "crash", "crash", "crash", *WITHOUT_RESTORE))
    match kind:
        case "crash":
            down_s = dice.between(0.2, 3)
            return kind, {"host": dice.one_of(hosts), "after": 1 + dice.below(60), "down_s": down_s}
        case "pause":
            return kind, {"host": dice.one_of(hosts), "for_s": dice.between(0.1, 20)}
        case "broker_down":
            return kind, {"for_s": dice.between(0.1, 20)}
        case "broker_forgets":
            return kind, {}
        case "clock_jump":
            by_s = dice.one_of((-1, 1)) * dice.between(0.001, 300)
            return kind, {"host": dice.one_of(hosts), "by_s": by_s, "for_s": dice.between(0.1, 20)}
        case _:
            lease = dice.one_of(("relay", "consumer", "timers"))
            return kind, {"context": dice.one_of(SERVICES), "lease": lease}
