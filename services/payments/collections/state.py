"""The states of a collection; `receivable` is the event that started it: invoice, customer and amount."""

from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.payments.collections import CollectionStarted


@dataclass(frozen=True, slots=True)
class NoCollection:
    """The invoice is not collected."""


@dataclass(frozen=True, slots=True)
class AttemptScheduled:
    """The next attempt is due at an instant; `retries_used` counts the retries of the dunning schedule."""

    receivable: CollectionStarted
    attempt: int
    due_at: datetime
    retries_used: int = 0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """No attempt is scheduled any more; `attempt` is the number of the last one."""

    receivable: CollectionStarted
    attempt: int
    reason: str
    retries_used: int


@dataclass(frozen=True, slots=True)
class AttemptOpen:
    """One attempt is open.

    `due_at`: when a scheduled attempt was due, from which the schedule goes on. `interrupted`: the state to
    which a manual attempt returns when it is declined softly. `lookups_exhausted`: the outcome is unknown
    after the last scheduled lookup.
    """

    receivable: CollectionStarted
    attempt: int
    payment_id: str
    retries_used: int
    due_at: datetime
    interrupted: AttemptScheduled | GivenUp | None = None
    lookups_exhausted: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """The invoice was paid by this payment."""

    receivable: CollectionStarted
    payment_id: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The invoice was voided; `payment_id`: the payment that took money, or may have, which must go back."""

    payment_id: str | None


Collection = NoCollection | AttemptScheduled | AttemptOpen | GivenUp | Completed | Cancelled
