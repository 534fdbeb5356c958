"""The contracts between contexts: all events by wire name, and the topic of each context.

`<context>/<subject>.py` has the events of one subject; a new module in such a folder needs no registration.
"""

from importlib import import_module
from pkgutil import iter_modules

from shared.billing.contracts.subscriptions.test_clocks import clocks_by_event
from shared.framework.core.event import Event
from shared.framework.eventstore.contracts import Contracts, by_wire_name

TOPICS: dict[str, str] = {
    "ingest": "usage-events",
    "metering": "metering-events",
    "subscriptions": "subscriptions-events",
    "invoicing": "invoicing-events",
    "payments": "payments-events",
}

CONTEXTS: tuple[str, ...] = tuple(TOPICS)


def events_of(context: str) -> tuple[type[Event], ...]:
    """The event classes that the modules of a context define."""
    package = import_module(f"{__name__}.{context}")
    modules = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    return tuple(
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Event) and value.__module__ == module.__name__
    )


EVENTS: dict[str, type[Event]] = by_wire_name(event for context in CONTEXTS for event in events_of(context))

CONTRACTS = Contracts(
    events=EVENTS,
    topics=TOPICS,
    test_clocks=clocks_by_event(),
)

decode = CONTRACTS.decode
