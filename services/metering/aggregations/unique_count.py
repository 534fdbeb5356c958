"""unique_count: the number of different values; a digest of each is stored, as windows cannot be added."""

from hashlib import blake2b
from typing import Any

from services.metering.aggregations.aggregation import Aggregation, Combination
from shared.billing.usage_value import canonical_text


def _digest(value: Any) -> bytes | None:
    text = None if value is None else canonical_text(value)
    return None if text is None else blake2b(text.encode(), digest_size=16).digest()


UNIQUE_COUNT = Aggregation("unique_count", needs_value=True, combination=Combination.DIFFERENT, read=_digest)
