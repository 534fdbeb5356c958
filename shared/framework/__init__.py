"""An event-sourced service: deciders, event store, messaging, timers, HTTP and the process around them.

The names of this module are what a subject needs; README.md shows a service that uses them. Each is imported
from its module at its first use, so a decider does not load FastAPI.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.framework.core.clock import Clock as Clock
    from shared.framework.core.decider import Decider as Decider
    from shared.framework.core.event import Event as Event
    from shared.framework.core.ids import derived_id as derived_id
    from shared.framework.core.refusals import ImpossibleHistory as ImpossibleHistory
    from shared.framework.core.refusals import Refusal as Refusal
    from shared.framework.core.refusals import RefusalKind as RefusalKind
    from shared.framework.eventstore.contracts import Contracts as Contracts
    from shared.framework.eventstore.contracts import by_wire_name as by_wire_name
    from shared.framework.eventstore.records import EventRecord as EventRecord
    from shared.framework.eventstore.records import SideWrite as SideWrite
    from shared.framework.eventstore.records import Timer as Timer
    from shared.framework.eventstore.unit_of_work import Session as Session
    from shared.framework.http.authorization import Caller as Caller
    from shared.framework.http.authorization import requires as requires
    from shared.framework.http.command_endpoint import CommandDep as CommandDep
    from shared.framework.http.command_endpoint import command_router as command_router
    from shared.framework.http.field_types import ApiModel as ApiModel
    from shared.framework.process.feature import Feature as Feature
    from shared.framework.process.run import run_process as run_process
    from shared.framework.process.service_definition import ServiceDefinition as ServiceDefinition
    from shared.framework.process.service_definition import ServiceDependencies as ServiceDependencies
    from shared.framework.process.settings import ServiceSettings as ServiceSettings
    from shared.framework.timers.timer import TimerHandler as TimerHandler

_NAMES = {
    "core.clock": "Clock",
    "core.decider": "Decider",
    "core.event": "Event",
    "core.ids": "derived_id",
    "core.refusals": "ImpossibleHistory Refusal RefusalKind",
    "eventstore.contracts": "Contracts by_wire_name",
    "eventstore.records": "EventRecord SideWrite Timer",
    "eventstore.unit_of_work": "Session",
    "http.authorization": "Caller requires",
    "http.command_endpoint": "CommandDep command_router",
    "http.field_types": "ApiModel",
    "process.feature": "Feature",
    "process.run": "run_process",
    "process.service_definition": "ServiceDefinition ServiceDependencies",
    "process.settings": "ServiceSettings",
    "timers.timer": "TimerHandler",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
