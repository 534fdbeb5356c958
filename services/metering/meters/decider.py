"""A meter: its definition, which never changes, and the refusals of an invalid or different one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

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


@dataclass(frozen=True, slots=True)
class DefineMeter:
    """Define a meter; the order and repetition of its `group_by` and of its filter's texts do not matter."""

    definition: MeterDefined


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
    definition = _in_order(command.definition)
    match meter:
        case NoMeter():
            _check(definition)
            return [definition]
        case Defined(before):
            if replace(definition, defined_at=before.defined_at) != before:
                raise MeterExists(definition.key)
            return []


def evolve(meter: Meter, event: MeterDefined) -> Meter:
    """The state after an event."""
    match meter:
        case NoMeter():
            return Defined(event)
        case Defined():
            raise ImpossibleHistory(meter, event)


METER: Decider[Meter, DefineMeter, MeterDefined] = Decider(NoMeter(), decide, evolve)


def _in_order(meter: MeterDefined) -> MeterDefined:
    """The same definition without repetition, in alphabetical order."""
    texts = {path: tuple(sorted(set(allowed))) for path, allowed in sorted(meter.filter.items())}
    return replace(meter, group_by=tuple(sorted(set(meter.group_by))), filter=texts)


def _check(meter: MeterDefined) -> None:
    if meter.aggregation not in AGGREGATIONS:
        raise AggregationIsUnknown(meter.aggregation)
    needs_value = AGGREGATIONS[meter.aggregation].needs_value
    if needs_value and meter.value_path is None:
        raise ValuePathIsMissing(meter.aggregation)
    if not needs_value and meter.value_path is not None:
        raise ValuePathIsUseless(meter.aggregation)
    value_paths = () if meter.value_path is None else (meter.value_path,)
    for path in (*value_paths, *meter.group_by, *meter.filter):
        if not _PATH.fullmatch(path):
            raise PathIsInvalid(path)
