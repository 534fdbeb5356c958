"""What payments can be asked to do; `now` is the moment on the tenant's clock."""

from dataclasses import dataclass
from datetime import timedelta

Delays = tuple[timedelta, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`dunning`: when a soft decline is tried again, counted from the first one, rising.

    `checks`: the pauses after which a silent gateway is asked again.

    Both run on the tenant's clock. `refunds`: the pauses of a refund that got no answer; the last repeats.
    """

    dunning: Delays
    checks: Delays
    refunds: Delays
