"""One context goes back to an older moment, while the others, the broker and the gateway stay.

Then the product's reconciliation makes them one installation again, and clients repeat what may be lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.billing.contracts import CONTRACTS, TOPICS
from shared.framework.core.ids import partition_of
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import EventRecord
from shared.framework.messaging.consumer import Consumer
from tests.simulation.databases import answering, fill_read_models, records_set
from tollhouse.recovery.reconcile import ReconcileOptions, Reconciliation
from tollhouse.recovery.report import RecoveryReport

if TYPE_CHECKING:
    from tests.simulation.world import World

SIDE_STATE = ("_inbox_positions", "_timers", "_hidden_until", "_clocks", "_dead_letters")
WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Image:
    """A backup of one context's database, and how much had been answered and remembered by then."""

    context: str
    records: Sequence[EventRecord]
    drawn: int
    side_state: dict[str, dict[Any, Any]]
    claims: dict[Any, Any]
    tables: dict[str, dict[Any, Any]]
    cursor: int
    answers: int
    acknowledged: int
    remembered: int

    @classmethod
    def of(cls, world: "World", context: str) -> "Image":
        """The image of a context at this moment."""
        store = world.stores[context]
        return cls(
            context,
            tuple(store._records),
            store._drawn,
            {name: dict(getattr(store, name)) for name in SIDE_STATE},
            dict(store._claims._claims),
            {name: dict(rows) for name, rows in store.tables.items()},
            world.cursors.get(context, 0),
            len(world.answers),
            len(world.acknowledged),
            len(world.remembered),
        )

    def put_into(self, world: "World") -> None:
        """Let the context's database be what it was."""
        store = world.stores[self.context]
        records_set(store, self.records)
        store._drawn = self.drawn
        for name, content in self.side_state.items():
            setattr(store, name, dict(content))
        store._claims._claims = dict(self.claims)
        store.tables.clear()
        store.tables.update({name: dict(rows) for name, rows in self.tables.items()})
        world.cursors[self.context] = self.cursor


def ids_in(record: EventRecord) -> set[str]:
    """The ids of an event's stream and of what it names."""
    event = CONTRACTS.decode(record.wire_name, record.state)
    names = () if event is None else event.__struct_fields__
    return {record.stream_id, *(str(getattr(event, name)) for name in names if name.endswith("_id"))}


@dataclass(frozen=True, slots=True)
class Restore:
    """What a restore has done; `lost`: the records that no context has any more."""

    context: str
    report: RecoveryReport
    lost: Sequence[EventRecord] = field(default_factory=list)

    def ids(self) -> set[str]:
        """The ids of what was lost, and of what that names."""
        return set().union(*map(ids_in, self.lost))

    def untold(self) -> list[str]:
        """What was lost, and is neither named nor later than the end of the history that the report gives."""
        named = {line.position for line, _ in self.report.lost if line.context == self.context}
        ends_at = self.report.history_ends_at.get(self.context)
        return [
            f"{one.wire_name} of {one.stream_id}, recorded at {one.recorded_at}, is lost, and the history of"
            f" {self.context} is said to end at {ends_at}"
            for one in self.lost
            if one.position not in named and ends_at is not None and one.recorded_at < ends_at
        ]


def restore(world: "World", images: Sequence[Image], asks_again: bool) -> None:
    """Stop everything, restore, reconcile, start again; clients repeat what the first image does not have."""
    _stop(world)
    image, before = images[0], list(world.stores[images[0].context]._records)
    for one in images:
        one.put_into(world)
    options = ReconcileOptions(bootstrap="the broker", services_have_run=False)
    with answering(world) as databases:
        report = world.loop.complete(Reconciliation(databases, options).run(), WITHIN_S)
    world.loop.complete(fill_read_models(world.stores["projections"]), WITHIN_S)
    world.restores.append(Restore(image.context, report, _lost(before, world.stores[image.context])))
    world.note(f"{image.context} is restored and reconciled: {'; '.join(report.lines())[:2000]}")
    world.heads = {
        (context, partition_of(record.slot, world.plan.partitions)): record.position
        for context in TOPICS
        for record in world.stores[context]._records
    }
    _forget(world, image, asks_again=asks_again)
    _start(world)


def replay_dead_letters(world: "World") -> None:
    """Handle again what could not be handled, as after every restore: by now its cause may be there again."""
    for host in world.hosts:
        if host.process is not None and isinstance(host.process.waiter, Consumer):
            world.loop.complete(host.process.waiter.replay_dead_letters(), WITHIN_S)


def _lost(before: Sequence[EventRecord], store: MemoryEventStore) -> Sequence[EventRecord]:
    there = {(record.position, record.event_id) for record in store._records}
    return [one for one in before if (one.position, one.event_id) not in there]


def _forget(world: "World", image: Image, *, asks_again: bool) -> None:
    """What was answered after the image may be lost: nobody counts on it until it is asked for again."""
    older = {(one.kind, repr(one.name)) for one in world.remembered[: image.remembered]}
    for one in world.remembered[image.remembered :]:
        known = world.memory[one.kind]
        if one.context == image.context and one.name in known and (one.kind, repr(one.name)) not in older:
            world.forgotten.setdefault(one.step, []).append((one.kind, one.name, known.pop(one.name)))
    answers, acknowledged = world.answers[image.answers :], world.acknowledged[image.acknowledged :]
    world.answers[image.answers :] = [one for one in answers if one[0].context != image.context]
    if asks_again:
        steps = {step.name: step for step, context in acknowledged if context == image.context}
        world.ask_again(list(steps.values()))


def _stop(world: "World") -> None:
    world.is_stopped = True
    for host in world.hosts:
        host.is_paused, host.crash_after = False, None
        if host.process is not None:
            world.crash(host, 0.0)
    world.loop.resume()
    world.run(0.01)  # until everything that the processes had begun has ended


def _start(world: "World") -> None:
    world.is_stopped = False
    for host in world.hosts:
        world.start(host)
