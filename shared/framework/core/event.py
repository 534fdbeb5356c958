"""The shape that every fact shares, and what is known about one besides its content."""

from datetime import datetime
from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact. `wire_name` is written by hand and never changes; a new shape is a new name."""

    wire_name: ClassVar[str]
    compressed: ClassVar[bool] = False


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why and when a fact was written.

    `occurred_at` is the moment on the tenant's own clock (a test clock may be a year away from the
    wall: `test_clock`); `actor` is the credential's subject; `causation_id` is the event or command
    that led here.
    """

    correlation_id: str
    actor: str
    occurred_at: datetime
    causation_id: str | None = None
    traceparent: str | None = None
    test_clock: bool = False
