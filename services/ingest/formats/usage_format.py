"""A format of usage: its media type, the function that reads a body, and the JSON Schema of a body."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.ingest.events.usage_event import ParsedEvent


@dataclass(frozen=True, slots=True)
class UsageFormat:
    """`read` raises UsageIsNotJson, UsageIsNotEvents or TooManyEvents for the body as a whole."""

    media_type: str
    read: Callable[[bytes], Sequence[ParsedEvent]]
    schema: dict[str, Any]
