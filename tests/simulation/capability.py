"""A capability of the world: what its clients do, and what must always hold."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from tests.simulation.client import Client
from tests.simulation.dice import Dice
from tests.simulation.facts import Facts
from tests.simulation.plan import Step

DAY = 86400.0


@dataclass(slots=True)
class Life:
    """What is being planned: steps so far, and what later capabilities refer to, by kind."""

    dice: Dice
    days: float
    tenants: tuple[str, ...]
    steps: list[Step] = field(default_factory=list)
    opened: dict[str, Step] = field(default_factory=dict)
    """By tenant, the step that all its others follow, if there is one."""
    made: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def end(self) -> float:
        """The last second of the life."""
        return self.days * DAY

    def add(self, at: float, capability: str, action: str, /, *after: Step, **arguments: Any) -> Step:
        """Plan a step, to be done once the steps `after`, and the one in `opened`, have succeeded."""
        opened = self.opened.get(arguments.get("tenant", ""))
        names = tuple(earlier.name for earlier in ((opened, *after) if opened else after))
        step = Step(at, capability, action, arguments, f"s{len(self.steps)}", names)
        self.steps.append(step)
        return step

    def note(self, kind: str, **what: Any) -> dict[str, Any]:
        """Remember something that will exist, for capabilities that are planned later."""
        self.made.setdefault(kind, []).append(what)
        return what

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Everything of a kind that was planned so far."""
        return self.made.get(kind, [])


Action = Callable[[Client, Step], Coroutine[Any, Any, bool]]
"""Does a step; returns whether it succeeded, so that later steps can follow."""

Check = Callable[[Facts], Iterable[str]]
"""Yields a sentence with ids for each violation; called whenever everything rests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """`plan` adds steps to a life; `actions` do them; `checks` by the invariant or rule that they check.

    Capabilities plan in ascending `order`, so that one can refer to what another makes.
    """

    name: str
    order: int
    plan: Callable[[Life], None]
    actions: Mapping[str, Action] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)


def discovered(package: str = "tests.simulation.capabilities") -> list[Capability]:
    """The `CAPABILITY` of every module in the folder, in the order in which they plan."""
    folder = import_module(package)
    found = [import_module(f"{package}.{module.name}").CAPABILITY for module in iter_modules(folder.__path__)]
    return sorted(found, key=lambda capability: (capability.order, capability.name))
