"""What the texts and numbers of an event may be: nothing in it may harm whoever stores or counts it later."""

import re
from decimal import Decimal
from typing import Any

from services.ingest.events.rejection import Rejection, RejectionCode

DATA_DEPTH_MAX = 8
NUMBER_DIGITS_MAX = 40
"""Of a JSON number, and of its distance from 1; wider than what can be metered, so coordinates pass."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_INT_MAX = 10**NUMBER_DIGITS_MAX

# Texts that some reader downstream would take for a number without bounds. Exponents of up to five digits
# are let through as texts: short hexadecimal hashes look like that, and metering reads no such number.
_TRAPS = re.compile(r"NaN|[-+]?Infinity|[-+]?[0-9.]+[eE][-+]?[0-9]{6,}", re.ASCII)
_TRAP_STARTS = frozenset("0123456789.+-NI")


def is_plain_text(body: bytes) -> bool:
    """Whether no text in this JSON can hold a control character: all ASCII, and nothing is escaped."""
    return body.isascii() and b"\\" not in body and b"\x7f" not in body


def attribute_fault(name: str, text: str) -> Rejection | None:
    """CloudEvents attributes hold no control characters (CloudEvents 1.0, type system)."""
    if _CONTROLS.search(text):
        return Rejection(RejectionCode.TEXT_IS_NOT_STORABLE, f"a control character in {name}")
    return None


def data_fault(data: dict[str, Any], *, plain: bool) -> Rejection | None:
    """What is wrong with an event's data; `plain` if its texts are known to be harmless.

    Numbers must have been decoded exactly (int and Decimal).
    """
    return _fault_in_object(data, 1, plain)


def _fault_in_object(value: dict[str, Any], depth: int, plain: bool) -> Rejection | None:
    if not plain and any("\0" in key for key in value):
        return Rejection(RejectionCode.TEXT_IS_NOT_STORABLE, "NUL in a key of data")
    for part in value.values():
        kind = type(part)
        if kind is str and plain:
            if part[:1] not in _TRAP_STARTS:  # nearly all texts: no call for those
                continue
        elif kind is int and -_INT_MAX < part < _INT_MAX:
            continue
        fault = _fault_in(part, depth, plain)
        if fault is not None:
            return fault
    return None


def _fault_in(value: Any, depth: int, plain: bool) -> Rejection | None:
    kind = type(value)
    if kind is str:
        return _fault_in_text(value, plain)
    if kind is int:
        return None if -_INT_MAX < value < _INT_MAX else _out_of_bounds()
    if kind is Decimal:
        return None if _is_bounded(value) else _out_of_bounds()
    if kind is dict or kind is list:
        return _fault_in_parts(value, depth + 1, plain)
    return None


def _fault_in_parts(value: Any, depth: int, plain: bool) -> Rejection | None:
    if depth > DATA_DEPTH_MAX:
        return Rejection(RejectionCode.DATA_IS_TOO_DEEP, f"data is nested deeper than {DATA_DEPTH_MAX}")
    if type(value) is dict:
        return _fault_in_object(value, depth, plain)
    found = (_fault_in(part, depth, plain) for part in value)
    return next((fault for fault in found if fault is not None), None)


def _fault_in_text(text: str, plain: bool) -> Rejection | None:
    if not plain and "\0" in text:
        return Rejection(RejectionCode.TEXT_IS_NOT_STORABLE, "NUL in data")
    if text[:1] in _TRAP_STARTS and _TRAPS.fullmatch(text):
        return _out_of_bounds()
    return None


def _is_bounded(number: Decimal) -> bool:
    _, digits, exponent = number.as_tuple()
    return (
        isinstance(exponent, int)
        and len(digits) <= NUMBER_DIGITS_MAX
        and abs(exponent) <= NUMBER_DIGITS_MAX
        and abs(number.adjusted()) <= NUMBER_DIGITS_MAX
    )


def _out_of_bounds() -> Rejection:
    return Rejection(
        RejectionCode.NUMBER_IS_OUT_OF_BOUNDS, f"data holds a number of more than {NUMBER_DIGITS_MAX} digits"
    )
