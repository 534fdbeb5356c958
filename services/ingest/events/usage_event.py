"""CloudEvents 1.0 in JSON, read strictly: a batch in one go, or event by event if one of them is bad."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from services.ingest.events.rejection import Rejection

ATTRIBUTE_LENGTH_MAX = 256

Attribute = Annotated[str, msgspec.Meta(min_length=1, max_length=ATTRIBUTE_LENGTH_MAX)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A CloudEvent; attributes that are not listed here are not stored."""

    specversion: Literal["1.0"]
    id: Attribute
    source: Attribute
    type: Attribute
    subject: Attribute
    time: Instant | None = None
    data: dict[str, Any] = {}
    data_base64: str | None = None


class InvalidEvent(msgspec.Struct, frozen=True):
    """An event that is none: why, and its bytes."""

    fault: Rejection
    body: bytes


ParsedEvent = CloudEvent | InvalidEvent
