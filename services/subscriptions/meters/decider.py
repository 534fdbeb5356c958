"""A meter that plans may name: registered once, when its definition is consumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.contracts.subscriptions.meters import MeterRegistered
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterMeter:
    """Register a meter that metering has defined."""

    definition: MeterDefined
    now: datetime


@dataclass(frozen=True, slots=True)
class Unregistered:
    """No definition of this key has been consumed."""


Meter = Unregistered | MeterRegistered
"""The state of a meter's stream; a definition never changes."""


def meter_registration_id(tenant_id: str, key: str) -> str:
    """The stream of the tenant's meter of this key."""
    return derived_id("mrg", tenant_id, key)


def register(meter: Meter, command: RegisterMeter) -> Sequence[MeterRegistered]:
    """The registration; nothing if the meter is registered."""
    if isinstance(meter, MeterRegistered):
        return []
    defined = command.definition
    return [
        MeterRegistered(
            meter_id=defined.meter_id,
            key=defined.key,
            group_by=defined.group_by,
            registered_at=command.now,
            has_event_values=defined.has_event_values,
        )
    ]


def evolve(_: Meter, event: MeterRegistered) -> Meter:
    """The state after an event."""
    return event


METER: Decider[Meter, RegisterMeter, MeterRegistered] = Decider(Unregistered(), register, evolve)
