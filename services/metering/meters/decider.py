"""A meter: its definition, which never changes, and the refusals of an invalid or different one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.metering.aggregations import AGGREGATIONS
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind


def _either(*names: str) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


class MeterExists(Refusal):
    """A meter with this key exists, with another definition."""

    code = "meter-exists"
    kind = RefusalKind.CONFLICT


class MeterIsUnknown(Refusal):
    """There is no meter with this key."""

    code = "meter-unknown"
    kind = RefusalKind.NOT_FOUND


class AggregationIsUnknown(Refusal):  # noqa: D101 - its title names every aggregation of the register
    __doc__ = f"The aggregation must be {_either(*AGGREGATIONS)}."

    code = "aggregation-unknown"
    kind = RefusalKind.INVALID


class ValuePathIsMissing(Refusal):
    """This aggregation requires a value_path."""

    code = "value-path-missing"
    kind = RefusalKind.INVALID


class ValuePathIsUseless(Refusal):
    """The aggregation count takes no value_path."""

    code = "value-path-not-allowed"
    kind = RefusalKind.INVALID


class PathIsInvalid(Refusal):
    """A path is 1 to 8 names joined by dots, each of 1 to 64 characters."""

    code = "path-invalid"
    kind = RefusalKind.INVALID


_PATH = re.compile(r"[^.\x00-\x1f\x7f]{1,64}(\.[^.\x00-\x1f\x7f]{1,64}){0,7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineMeter:
    """Define a meter of `event_type`; `filter` is path -> allowed texts, `group_by` the paths to group by."""

    meter_id: str
    key: str
    event_type: str
    aggregation: str
    value_path: str | None
    group_by: tuple[str, ...]
    filter: Mapping[str, tuple[str, ...]]
    now: datetime


@dataclass(frozen=True, slots=True)
class NoMeter:
    """The key is not in use."""


@dataclass(frozen=True, slots=True)
class Defined:
    """The meter counts. It never changes: a different definition needs a different key."""

    meter: MeterDefined


Meter = NoMeter | Defined


def meter_id_of(tenant_id: str, key: str) -> str:
    """The id of the tenant's meter of this key; derived, so that a key has one meter."""
    return derived_id("mtr", tenant_id, key)


def decide(meter: Meter, command: DefineMeter) -> Sequence[MeterDefined]:
    """MeterDefined, or nothing if the meter has this definition already. MeterExists if it has another."""
    match meter:
        case NoMeter():
            _check(command)
            return [_definition(command, command.now)]
        case Defined(before):
            if _definition(command, before.defined_at) != before:
                raise MeterExists(command.key)
            return []


def evolve(meter: Meter, event: MeterDefined) -> Meter:
    """The state after an event."""
    match meter:
        case NoMeter():
            return Defined(event)
        case Defined():
            raise ImpossibleHistory(meter, event)


METER: Decider[Meter, DefineMeter, MeterDefined] = Decider(NoMeter(), decide, evolve)


def _definition(command: DefineMeter, defined_at: datetime) -> MeterDefined:
    return MeterDefined(
        meter_id=command.meter_id,
        key=command.key,
        event_type=command.event_type,
        aggregation=command.aggregation,
        value_path=command.value_path,
        group_by=tuple(sorted(set(command.group_by))),
        filter={path: tuple(sorted(set(texts))) for path, texts in sorted(command.filter.items())},
        defined_at=defined_at,
    )


def _check(command: DefineMeter) -> None:
    if command.aggregation not in AGGREGATIONS:
        raise AggregationIsUnknown(command.aggregation)
    needs_value = AGGREGATIONS[command.aggregation].needs_value
    if needs_value and command.value_path is None:
        raise ValuePathIsMissing(command.aggregation)
    if not needs_value and command.value_path is not None:
        raise ValuePathIsUseless(command.aggregation)
    value_paths = () if command.value_path is None else (command.value_path,)
    for path in (*value_paths, *command.group_by, *command.filter):
        if not _PATH.fullmatch(path):
            raise PathIsInvalid(path)
