"""The base class of events, and the metadata of a stored event."""

from datetime import datetime
from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base class of events, which are immutable.

    `wire_name` is written by hand and never changes; a new shape gets a new name. The state of a `compressed`
    event is stored as a zstd frame.
    """

    wire_name: ClassVar[str]
    compressed: ClassVar[bool] = False


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why and when an event was written.

    `occurred_at`: the tenant's time, of its test clock if `test_clock`. `actor`: the subject of the
    credential. `causation_id`: the id of the event, timer or command that caused it. `commit_id`: if several
    events were written in one commit, the id of the first one, and `commit_size` is their number; so a copy
    of the history shows which commits it has whole.
    """

    correlation_id: str
    actor: str
    occurred_at: datetime
    causation_id: str | None = None
    traceparent: str | None = None
    test_clock: bool = False
    commit_id: str | None = None
    commit_size: int = 1
