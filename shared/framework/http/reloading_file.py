"""A file that operators may change while we run: keys are rotated and revoked without a restart."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

from shared.framework.core.clock import Clock

T = TypeVar("T")

LOOK_EVERY = timedelta(seconds=1)
_log = logging.getLogger(__name__)


class ReloadingFile(Generic[T]):
    """The parsed content, at most a second behind the file; an unreadable new version changes nothing."""

    def __init__(self, path: Path, parse: Callable[[bytes], T], clock: Clock) -> None:
        """Read it now; a file that cannot be read at the start stops the start."""
        self.path = path
        self._parse = parse
        self._clock = clock
        self._stamp = self._look()
        self._value = parse(path.read_bytes())
        self._looked_at: datetime = clock.now()

    @property
    def value(self) -> T:
        """The content as it is now, looked at no more than once a second."""
        now = self._clock.now()
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            self._refresh()
        return self._value

    def _refresh(self) -> None:
        try:
            stamp = self._look()
            if stamp != self._stamp:
                self._value = self._parse(self.path.read_bytes())
                self._stamp = stamp
        except (OSError, ValueError) as error:
            _log.warning("%s cannot be read; its last valid version stays in use", self.path, exc_info=error)

    def _look(self) -> tuple[int, int, int]:
        state = self.path.stat()
        return state.st_mtime_ns, state.st_size, state.st_ino
