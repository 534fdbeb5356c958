"""The port of the clock."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the present time: the system's in a process, a virtual one in tests and simulation."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
