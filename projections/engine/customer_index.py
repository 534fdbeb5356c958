"""Which streams speak of which customer: how a customer's whole history is found."""

from collections.abc import Iterable
from typing import NamedTuple

from projections.engine.read_model import DecodedEvent
from shared.billing.contracts import EVENTS

_FIELD = "customer_id"

EVENTS_NAMING_A_CUSTOMER = frozenset(
    name for name, event in EVENTS.items() if _FIELD in event.__struct_fields__
)
"""Wire names of events that name a customer."""


class CustomerStream(NamedTuple):
    """A stream that speaks of a customer."""

    tenant_id: str
    customer_id: str
    context: str
    stream_id: str


def customer_streams(facts: Iterable[DecodedEvent]) -> list[CustomerStream]:
    """Every customer that these facts name, once per stream, in a stable order."""
    found = {
        CustomerStream(fact.tenant_id, _customer_of(fact), fact.context, fact.stream_id)
        for fact in facts
        if fact.event.wire_name in EVENTS_NAMING_A_CUSTOMER
    }
    return sorted(found)


def _customer_of(fact: DecodedEvent) -> str:
    customer_id: str = getattr(fact.event, _FIELD)
    return customer_id
