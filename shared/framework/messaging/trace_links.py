"""How a batch lies in the traces of its facts: inside the one that they share, or linked to each of many."""

from collections.abc import Iterable

from shared.framework.eventstore.records import EventRecord
from shared.framework.observability.tracing import is_tracing

LINKS_MAX = 128


def parent_and_links(records: Iterable[EventRecord]) -> tuple[str | None, list[str]]:
    """The parent, if all that have a trace have the same; else none, and links to at most `LINKS_MAX`."""
    if not is_tracing():
        return None, []
    found = dict.fromkeys(r.metadata.traceparent for r in records if r.metadata.traceparent is not None)
    causes = list(found)
    return (causes[0], []) if len(causes) == 1 else (None, causes[:LINKS_MAX])
