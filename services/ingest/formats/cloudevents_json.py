"""CloudEvents 1.0 in JSON, read strictly: a batch at once, or event by event if one is invalid."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from services.ingest.events.usage_event import CloudEvent, EventTime, InvalidEvent, ParsedEvent
from services.ingest.events.validation import (
    Rejection,
    RejectionCode,
    attribute_rejection,
    data_rejection,
    is_plain_text,
)
from services.ingest.formats.refusals import TooManyEvents, UsageIsNotEvents, UsageIsNotJson
from services.ingest.formats.repeated_keys import no_key_is_repeated, repeats_a_key
from services.ingest.formats.usage_format import UsageFormat
from shared.framework.core.instants import parse_instant

EVENTS_MAX = 1000

T = TypeVar("T")

_BATCH = msgspec.json.Decoder(list[CloudEvent], float_hook=Decimal)
_PIECES = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(msgspec.Raw)
_PIECE = msgspec.json.Decoder(CloudEvent, float_hook=Decimal)
_TIME = msgspec.json.Decoder(EventTime)
_LONG_FRACTION = re.compile(rb"\.[0-9]{7}")
_ATTRIBUTES = ("id", "source", "type", "subject")
_REASONS = {
    "out of range": RejectionCode.NUMBER_IS_OUT_OF_BOUNDS,
    "`$.specversion`": RejectionCode.SPECVERSION_IS_UNSUPPORTED,
    "`$.time`": RejectionCode.TIME_IS_INVALID,
    "`$.data": RejectionCode.DATA_IS_NOT_AN_OBJECT,
    "required field": RejectionCode.ATTRIBUTE_IS_MISSING,
    **{f"`$.{name}`": RejectionCode.ATTRIBUTE_IS_INVALID for name in _ATTRIBUTES},
}


def read_batch(body: bytes) -> Sequence[ParsedEvent]:
    """The events of a JSON array in order. Raises UsageIsNotJson, UsageIsNotEvents, TooManyEvents."""
    try:
        events = counted(_BATCH.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [read_event(bytes(piece)) for piece in counted(_pieces(body))]
    if _may_have_long_fraction(body) or not no_key_is_repeated(body, events):
        return [read_event(bytes(piece)) for piece in _PIECES.decode(body)]
    plain = is_plain_text(body)
    rejections = [_rejection_of(event, plain) for event in events]
    if not any(rejections):
        return events
    bodies = map(bytes, _PIECES.decode(body))
    return [
        InvalidEvent(rejection, piece) if rejection else event
        for event, rejection, piece in zip(events, rejections, bodies, strict=True)
    ]


def read_single(body: bytes) -> Sequence[ParsedEvent]:
    """The event of a JSON object. Raises UsageIsNotJson, UsageIsNotEvents."""
    if not _json(body).startswith(b"{"):
        raise UsageIsNotEvents("the body is not a JSON object")
    return [read_event(body)]


def _pieces(body: bytes) -> list[msgspec.Raw]:
    if not _json(body).startswith(b"["):
        raise UsageIsNotEvents("the body is not a JSON array")
    return _PIECES.decode(body)


def _json(body: bytes) -> bytes:
    try:
        return bytes(_ANY.decode(body)).strip()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageIsNotJson(str(error)) from None
    except RecursionError:
        raise UsageIsNotJson("nested too deeply") from None


def counted(events: list[T]) -> list[T]:
    """The same events, if there are 1 to 1000. Raises UsageIsNotEvents, TooManyEvents."""
    if not events:
        raise UsageIsNotEvents("the array is empty")
    if len(events) > EVENTS_MAX:
        raise TooManyEvents(f"{len(events)}")
    return events


def read_event(piece: bytes) -> ParsedEvent:
    """The event of one JSON object, valid or not."""
    try:
        event = _PIECE.decode(piece)
        is_repeated = repeats_a_key(piece)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return InvalidEvent(_rejection_from(str(error)), piece)
    if is_repeated:
        return InvalidEvent(Rejection(RejectionCode.KEY_IS_REPEATED, "a key is given twice"), piece)
    if event.time is not None and _may_have_long_fraction(piece):
        try:
            event = msgspec.structs.replace(event, time=parse_instant(_TIME.decode(piece).time))
        except ValueError as error:
            return InvalidEvent(Rejection(RejectionCode.TIME_IS_INVALID, f"time {error}"), piece)
    rejection = _rejection_of(event, is_plain_text(piece))
    return InvalidEvent(rejection, piece) if rejection else event


def _may_have_long_fraction(body: bytes) -> bool:
    """Whether a time in this JSON may have more than six digits after its point, also as escaped digits."""
    return b"\\" in body or (b"." in body and _LONG_FRACTION.search(body) is not None)


def _rejection_of(event: CloudEvent, plain: bool) -> Rejection | None:
    rejection = data_rejection(event.data, plain=plain)
    if rejection is None and not plain:
        found = (attribute_rejection(name, getattr(event, name)) for name in _ATTRIBUTES)
        rejection = next(filter(None, found), None)
    if rejection is None and event.data_base64 is not None:
        return Rejection(
            RejectionCode.DATA_IS_NOT_AN_OBJECT, "data_base64 is not taken: data must be a JSON object"
        )
    return rejection


def _rejection_from(message: str) -> Rejection:
    for part, reason in _REASONS.items():
        if part in message:
            return Rejection(reason, message)
    return Rejection(RejectionCode.EVENT_IS_MALFORMED, message)


def _read_batch_or_single(body: bytes) -> Sequence[ParsedEvent]:
    return read_batch(body) if body.lstrip()[:1] == b"[" else read_single(body)


def _event_schema() -> dict[str, Any]:
    (event,), shapes = msgspec.json.schema_components([CloudEvent])
    return shapes["CloudEvent"] if "$ref" in event else event


EVENT_SCHEMA = _event_schema()
_BATCH_SCHEMA = {"type": "array", "items": EVENT_SCHEMA, "minItems": 1, "maxItems": EVENTS_MAX}

SINGLE = UsageFormat("application/cloudevents+json", read_single, EVENT_SCHEMA)
BATCH = UsageFormat("application/cloudevents-batch+json", read_batch, _BATCH_SCHEMA)
BATCH_OR_SINGLE = UsageFormat(
    "application/json", _read_batch_or_single, {"oneOf": [EVENT_SCHEMA, _BATCH_SCHEMA]}
)
