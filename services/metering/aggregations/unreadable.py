"""Reasons for which a meter cannot read an event of its type."""

from enum import StrEnum
from typing import Any

from shared.billing.usage_quantity import is_number


class UnreadableReason(StrEnum):
    """Stable codes, for clients."""

    VALUE_IS_MISSING = "value-missing"
    VALUE_IS_NOT_A_NUMBER = "not-a-number"
    NUMBER_IS_OUT_OF_BOUNDS = "out-of-bounds"
    VALUE_IS_NOT_SCALAR = "not-scalar"
    GROUP_IS_NOT_SCALAR = "group-not-scalar"
    GROUP_TEXT_IS_TOO_LONG = "group-text-too-long"


def reason_of_value(value: Any) -> UnreadableReason:
    """Why no aggregation that refused this value could read it."""
    if value is None:
        return UnreadableReason.VALUE_IS_MISSING
    if type(value) in (dict, list):
        return UnreadableReason.VALUE_IS_NOT_SCALAR
    if is_number(value):
        return UnreadableReason.NUMBER_IS_OUT_OF_BOUNDS
    return UnreadableReason.VALUE_IS_NOT_A_NUMBER


def reason_of_group(value: Any) -> UnreadableReason:
    """Why this value, which has no text as a dimension, has none."""
    if type(value) in (dict, list):
        return UnreadableReason.GROUP_IS_NOT_SCALAR
    return UnreadableReason.GROUP_TEXT_IS_TOO_LONG
