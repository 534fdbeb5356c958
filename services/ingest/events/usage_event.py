"""A parsed usage event: a CloudEvent (CloudEvents 1.0), or the bytes of an invalid one."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from services.ingest.events.validation import Rejection

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


class EventTime(msgspec.Struct, frozen=True):
    """The time of an event as it was sent, for times that msgspec would round."""

    time: str


class InvalidEvent(msgspec.Struct, frozen=True):
    """An event that cannot be read or breaks a rule: the reason, and its bytes."""

    rejection: Rejection
    body: bytes


ParsedEvent = CloudEvent | InvalidEvent
