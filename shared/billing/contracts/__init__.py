"""The published language: every event of every context, by its wire name."""

from types import ModuleType

from shared.billing.contracts.ingest import usage
from shared.billing.contracts.invoicing import invoices as invoicing
from shared.billing.contracts.metering import readings as metering
from shared.billing.contracts.payments import payments
from shared.billing.contracts.subscriptions import subscriptions
from shared.framework.core.event import Event

CONTEXTS: dict[str, ModuleType] = {
    "ingest": usage,
    "metering": metering,
    "subscriptions": subscriptions,
    "invoicing": invoicing,
    "payments": payments,
}

TOPICS: dict[str, str] = {
    "ingest": "usage-events",
    "metering": "metering-events",
    "subscriptions": "subscriptions-events",
    "invoicing": "invoicing-events",
    "payments": "payments-events",
}


def events_of(module: ModuleType) -> dict[str, type[Event]]:
    """Every event class that a contract module defines, by wire name."""
    found = (value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Event))
    return {event.wire_name: event for event in found if event is not Event}


EVENTS: dict[str, type[Event]] = {
    wire_name: event for module in CONTEXTS.values() for wire_name, event in events_of(module).items()
}
