"""Reasons for which a single event is rejected, and the rules for its time, texts and numbers.

The rules keep out what a database or a later reader cannot store or count.
"""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from shared.billing.usage_quantity import QUANTITY_DIGITS_MAX, is_bounded
from shared.framework.core.text import flaw_of_identifier

DATA_DEPTH_MAX = 8
FUTURE_MAX = timedelta(minutes=5)
"""How far an event's time may be ahead of the tenant's now."""

AGE_MAX = timedelta(days=20 * 366)
"""How far an event's time may be behind the tenant's now."""

_INT_MAX = 10**QUANTITY_DIGITS_MAX

# Texts that a later reader could take for an unbounded number. Exponents of up to five digits pass: short
# hexadecimal hashes look like that, and metering reads them as out of bounds.
_NUMBER_LIKE = re.compile(r"NaN|[-+]?Infinity|[-+]?[0-9.]+[eE][-+]?[0-9]{6,}", re.ASCII)
_NUMBER_STARTS = frozenset("0123456789.+-NI")


class RejectionCode(StrEnum):
    """Stable codes of reasons, for clients; the detail of a rejection is for people and may change."""

    EVENT_IS_MALFORMED = "event-malformed"
    ATTRIBUTE_IS_MISSING = "attribute-missing"
    ATTRIBUTE_IS_INVALID = "attribute-invalid"
    SPECVERSION_IS_UNSUPPORTED = "specversion-unsupported"
    TIME_IS_INVALID = "time-invalid"
    TIME_IS_IN_THE_FUTURE = "time-in-future"
    TIME_IS_TOO_OLD = "time-too-old"
    DATA_IS_NOT_AN_OBJECT = "data-not-object"
    DATA_IS_TOO_DEEP = "data-too-deep"
    NUMBER_IS_OUT_OF_BOUNDS = "number-out-of-bounds"
    TEXT_IS_NOT_STORABLE = "text-not-storable"
    KEY_IS_REPEATED = "key-repeated"
    ID_CONFLICTS = "id-conflict"


class Rejection(msgspec.Struct, frozen=True):
    """Why one event is not accepted."""

    reason: RejectionCode
    detail: str


_OUT_OF_BOUNDS = Rejection(
    RejectionCode.NUMBER_IS_OUT_OF_BOUNDS, f"data holds a number of more than {QUANTITY_DIGITS_MAX} digits"
)


def is_plain_text(body: bytes) -> bool:
    """Whether no text in this JSON can contain a control character: all is ASCII, and nothing is escaped."""
    return body.isascii() and b"\\" not in body and b"\x7f" not in body


def time_rejection(time: datetime, now: datetime) -> Rejection:
    """The rejection of a time outside [now - AGE_MAX, now + FUTURE_MAX]."""
    if time > now:
        return Rejection(
            RejectionCode.TIME_IS_IN_THE_FUTURE, f"{time.isoformat()}, and it is {now.isoformat()}"
        )
    return Rejection(RejectionCode.TIME_IS_TOO_OLD, f"{time.isoformat()} is more than 20 years ago")


def attribute_rejection(name: str, text: str) -> Rejection | None:
    """The rejection of an attribute that identifies nothing (shared/framework/core/text.py), or None."""
    flaw = flaw_of_identifier(text)
    return Rejection(RejectionCode.TEXT_IS_NOT_STORABLE, f"{name} {flaw}") if flaw else None


def data_rejection(data: dict[str, Any], *, plain: bool) -> Rejection | None:
    """The rejection of an event's data, or None; `plain` if it comes from JSON that is plain text.

    Numbers must have been decoded exactly (int and Decimal).
    """
    return _check_object(data, 1, plain)


def _check_object(value: dict[str, Any], depth: int, plain: bool) -> Rejection | None:
    if not plain and any("\0" in key for key in value):
        return Rejection(RejectionCode.TEXT_IS_NOT_STORABLE, "NUL in a key of data")
    for part in value.values():
        kind = type(part)
        if kind is str and plain:
            if part[:1] not in _NUMBER_STARTS:  # nearly all texts: this saves a call
                continue
        elif kind is int and -_INT_MAX < part < _INT_MAX:
            continue
        rejection = _check(part, depth, plain)
        if rejection is not None:
            return rejection
    return None


def _check(value: Any, depth: int, plain: bool) -> Rejection | None:
    kind = type(value)
    if kind is str:
        return _check_text(value, plain)
    if kind is int:
        return None if -_INT_MAX < value < _INT_MAX else _OUT_OF_BOUNDS
    if kind is Decimal:
        return None if is_bounded(value) else _OUT_OF_BOUNDS
    if kind is dict or kind is list:
        return _check_parts(value, depth + 1, plain)
    return None


def _check_parts(value: Any, depth: int, plain: bool) -> Rejection | None:
    if depth > DATA_DEPTH_MAX:
        return Rejection(RejectionCode.DATA_IS_TOO_DEEP, f"data is nested deeper than {DATA_DEPTH_MAX}")
    if type(value) is dict:
        return _check_object(value, depth, plain)
    found = (_check(part, depth, plain) for part in value)
    return next(filter(None, found), None)


def _check_text(text: str, plain: bool) -> Rejection | None:
    if not plain and "\0" in text:
        return Rejection(RejectionCode.TEXT_IS_NOT_STORABLE, "NUL in data")
    if text[:1] in _NUMBER_STARTS and _NUMBER_LIKE.fullmatch(text):
        return _OUT_OF_BOUNDS
    return None
