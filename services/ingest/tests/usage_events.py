"""Usage events as a client sends them."""

from datetime import UTC, datetime
from typing import Any

import msgspec

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(**changes: Any) -> dict[str, Any]:
    """A sound event; None takes an attribute away."""
    attributes = {
        "specversion": "1.0",
        "id": "e1",
        "source": "/gate/7",
        "type": "flight.departed",
        "subject": "UA",
        "time": "2026-03-01T10:00:00Z",
        "data": {"miles": 1400, "tail": "N14228"},
        **changes,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def body(*events: object) -> bytes:
    """A batch of them."""
    return msgspec.json.encode(events)
