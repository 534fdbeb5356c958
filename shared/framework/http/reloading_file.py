"""A file that is read again when it changes, so that keys are rotated and revoked without a restart."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

from shared.framework.core.clock import Clock

T = TypeVar("T")

CHECK_INTERVAL = timedelta(seconds=1)
_log = logging.getLogger(__name__)


class ReloadingFile(Generic[T]):
    """The parsed content of a file, at most CHECK_INTERVAL old; an invalid new version is ignored."""

    def __init__(self, path: Path, parse: Callable[[bytes], T], clock: Clock) -> None:
        """Read the file. Raises OSError, and what `parse` raises."""
        self.path = path
        self._parse = parse
        self._clock = clock
        self._stamp = self._read_stamp()
        self._value = parse(path.read_bytes())
        self._checked_at: datetime = clock.now()

    @property
    def value(self) -> T:
        """The parsed content; the file is checked once per CHECK_INTERVAL."""
        now = self._clock.now()
        if now - self._checked_at >= CHECK_INTERVAL:
            self._checked_at = now
            self._refresh()
        return self._value

    def _refresh(self) -> None:
        try:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._value = self._parse(self.path.read_bytes())
                self._stamp = stamp
        except (OSError, ValueError) as error:
            _log.warning("%s cannot be read; its last valid version stays in use", self.path, exc_info=error)

    def _read_stamp(self) -> tuple[int, int, int]:
        state = self.path.stat()
        return state.st_mtime_ns, state.st_size, state.st_ino
