"""Which streams speak of which customer: how a customer's whole history is found."""

from collections.abc import Iterable
from typing import NamedTuple

from projections.engine.read_model import Fact
from shared.billing.contracts import EVENTS

_FIELD = "customer_id"

MENTIONING = frozenset(name for name, event in EVENTS.items() if _FIELD in event.__struct_fields__)
"""Wire names of events that name a customer."""


class Mention(NamedTuple):
    """A stream that speaks of a customer."""

    tenant_id: str
    customer_id: str
    context: str
    stream_id: str


def mentions_of(facts: Iterable[Fact]) -> list[Mention]:
    """Every customer that these facts name, once per stream, in a stable order."""
    found = {
        Mention(fact.tenant_id, _customer_of(fact), fact.context, fact.stream_id)
        for fact in facts
        if fact.event.wire_name in MENTIONING
    }
    return sorted(found)


def _customer_of(fact: Fact) -> str:
    customer_id: str = getattr(fact.event, _FIELD)
    return customer_id
