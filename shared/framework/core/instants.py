"""Instants as texts of RFC 3339, and the one rule for digits beyond the microsecond."""

import re
from datetime import UTC, datetime

INSTANT_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,30})?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
)
_INSTANT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?P<fraction>\.[0-9]{1,30})?(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})",
    re.ASCII,
)
_WITH_MICROSECONDS = len(".123456")


def parse_instant(text: str) -> datetime:
    """The instant of a text such as `2026-01-31T00:00:00.25Z` or `2026-01-31 01:00:00+01:00`, in UTC.

    Digits beyond the microsecond are cut off: rounding up would move the last instant of a period into the
    next one. Raises ValueError with a message for people.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("must be an RFC 3339 instant with offset, such as 2026-01-31T00:00:00Z")
    fraction = (match["fraction"] or "")[:_WITH_MICROSECONDS]
    try:
        return as_utc(
            datetime.fromisoformat(f"{match['date']}T{match['time']}{fraction}{match['offset'].upper()}")
        )
    except ValueError as error:
        raise ValueError(f"is no instant: {error}") from None


def as_utc(instant: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError if it has no offset, or a year that UTC lacks."""
    if instant.tzinfo is None:
        raise ValueError("must have an offset")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie within the years 1 to 9999") from None
