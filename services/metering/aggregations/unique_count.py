"""unique_count: how many different values there were; 16 bytes are kept of each, as windows do not add up."""

from decimal import Decimal
from hashlib import blake2b
from typing import Any

from services.metering.aggregations.aggregation import Aggregation


def _digest(value: Any) -> bytes | None:
    spelt = _canonical_text(value)
    return None if spelt is None else blake2b(spelt.encode(), digest_size=16).digest()


def _canonical_text(value: Any) -> str | None:
    """Equal values alike, different ones differently: 1 and 1.0 are one number, and not the text `1`."""
    if type(value) is str:
        return f"text {value}"
    if type(value) is bool:
        return f"truth {value}"
    if type(value) is int:
        return f"number {value}"
    if type(value) is Decimal:
        whole = value == value.to_integral_value()
        return f"number {int(value)}" if whole else f"number {value.normalize():f}"
    return None


UNIQUE_COUNT = Aggregation("unique_count", needs_value=True, is_additive=False, read=_digest)
