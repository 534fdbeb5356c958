"""Events of usage claims: which subscription bills the usage of a subject."""

from datetime import datetime

from shared.framework.core.event import Event


class UsageClaimed(Event, frozen=True, kw_only=True):
    """A subscription alone bills what these meters count of a subject, from `starts_at` on."""

    wire_name = "subscriptions.usage.claimed.v1"

    subject: str
    meter_keys: tuple[str, ...]
    subscription_id: str
    customer_id: str
    starts_at: datetime
    claimed_at: datetime


class UsageReleased(Event, frozen=True, kw_only=True):
    """The subscription ends at `ends_at`: later usage of the subject is no longer its own."""

    wire_name = "subscriptions.usage.released.v1"

    subject: str
    subscription_id: str
    ends_at: datetime
    released_at: datetime
