"""A meter: its definition, which never changes, and the refusals of an invalid or different one."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from services.metering.aggregations import AGGREGATIONS
from shared.billing.contracts.metering.meters import MeterDefined, UnreadableUsageFound
from shared.billing.usage_value import PATH_RULE, plain_path
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


class PathIsInvalid(Refusal):  # noqa: D101 - its title is the rule of paths
    __doc__ = f"A path is {PATH_RULE}."

    code = "path-invalid"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True)
class DefineMeter:
    """Define a meter; the order and repetition of its `group_by` and of its filter's texts do not matter."""

    definition: MeterDefined


@dataclass(frozen=True, slots=True)
class ReportUnreadableUsage:
    """Publish how many events the meter could not read; nothing if that was published."""

    found: UnreadableUsageFound


@dataclass(frozen=True, slots=True)
class NoMeter:
    """The key is not in use."""


@dataclass(frozen=True, slots=True)
class Defined:
    """The meter counts. It never changes: a different definition needs a different key."""

    meter: MeterDefined
    unreadable_count: int = 0


Meter = NoMeter | Defined


def meter_id_of(tenant_id: str, key: str) -> str:
    """The id of the tenant's meter of this key; derived, so that a key has one meter."""
    return derived_id("mtr", tenant_id, key)


MeterCommand = DefineMeter | ReportUnreadableUsage
MeterEvent = MeterDefined | UnreadableUsageFound


def decide(meter: Meter, command: MeterCommand) -> Sequence[MeterEvent]:
    """The events of a command. MeterExists for another definition, MeterIsUnknown if there is no meter."""
    match command:
        case DefineMeter(definition):
            return _define(meter, definition)
        case ReportUnreadableUsage(found):
            return _report(meter, found)


def _define(meter: Meter, asked: MeterDefined) -> Sequence[MeterDefined]:
    match meter:
        case NoMeter():
            definition = _in_order(asked)
            _check(definition)
            return [definition]
        case Defined(before):
            if _in_order(replace(asked, defined_at=before.defined_at)) != _in_order(before):
                raise MeterExists(asked.key)
            return []


def _report(meter: Meter, found: UnreadableUsageFound) -> Sequence[UnreadableUsageFound]:
    match meter:
        case NoMeter():
            raise MeterIsUnknown(found.meter_key)
        case Defined(_, before):
            return [] if found.unreadable_count == before else [found]


def evolve(meter: Meter, event: MeterEvent) -> Meter:
    """The state after an event."""
    match meter, event:
        case NoMeter(), MeterDefined():
            return Defined(event)
        case Defined(definition), UnreadableUsageFound():
            return Defined(definition, event.unreadable_count)
    raise ImpossibleHistory(meter, event)


METER: Decider[Meter, MeterCommand, MeterEvent] = Decider(NoMeter(), decide, evolve)


def _in_order(meter: MeterDefined) -> MeterDefined:
    """The same definition with plain paths, without repetition, in alphabetical order."""
    texts = {_plain(path): tuple(sorted(set(allowed))) for path, allowed in sorted(meter.filter.items())}
    if len(texts) < len(meter.filter):
        raise PathIsInvalid("the filter names a path twice")
    return replace(
        meter,
        value_path=None if meter.value_path is None else _plain(meter.value_path),
        group_by=tuple(sorted(set(map(_plain, meter.group_by)))),
        filter=texts,
    )


def _plain(path: str) -> str:
    return plain_path(path) or path


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
        if plain_path(path) is None:
            raise PathIsInvalid(path)
