"""The pauses between the attempts, lookups and refund calls of payments."""

from dataclasses import dataclass
from datetime import timedelta

Delays = tuple[timedelta, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When payments tries again (billing rule 14); all pauses run on the tenant's clock.

    `dunning`: when a softly declined collection is tried again, each counted from the first decline, rising.
    `lookup_pauses`: before each lookup of an unknown outcome, counted from the call before it.
    `tries_new_methods`: whether an attached method is tried at once on what is unpaid.
    `refund_pauses`: before a refund is requested again, counted from the call before it; the last repeats.
    """

    dunning: Delays
    lookup_pauses: Delays
    refund_pauses: Delays
    tries_new_methods: bool = True
