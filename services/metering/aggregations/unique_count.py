"""unique_count: the number of different values; a digest of each is stored, as windows cannot be added."""

from decimal import Decimal
from hashlib import blake2b
from typing import Any

from services.metering.aggregations.aggregation import Aggregation


def _digest(value: Any) -> bytes | None:
    text = _canonical_text(value)
    return None if text is None else blake2b(text.encode(), digest_size=16).digest()


def _canonical_text(value: Any) -> str | None:
    """A text that is the same for equal values only: 1 and 1.0 are equal, 1 and the text `1` are not."""
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
