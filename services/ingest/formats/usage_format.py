"""What a format is: a media type, how a body of it is read, and its JSON Schema."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.ingest.events.usage_event import ParsedEvent


@dataclass(frozen=True, slots=True)
class UsageFormat:
    """`read` raises UsageIsNotJson, UsageIsNotEvents or TooManyEvents when a body has no events to judge."""

    media_type: str
    read: Callable[[bytes], Sequence[ParsedEvent]]
    schema: dict[str, Any]
