"""The one question that time-driven code may ask."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; the system's in a composition root, a virtual one in tests and simulation."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...
