"""A file of keys that is read again when it changes, so that they are rotated and revoked without a restart.

An entry that cannot be read disables itself only: the others are used, and their revocation is felt.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from prometheus_client import Gauge

from shared.framework.core.clock import Clock

T = TypeVar("T")

CHECK_INTERVAL = timedelta(seconds=1)
_log = logging.getLogger(__name__)

ENTRY_FAULTS = (KeyError, TypeError, ValueError, OverflowError)
"""What reading a broken entry raises."""

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class FileContent(Generic[T]):
    """What could be read of a file, and why each of the other entries could not, without secrets."""

    value: T
    unreadable: Sequence[str] = ()


def keys_in(content: bytes) -> list[Any]:
    """The entries of a file of keys: a JSON object with the list `keys`. Raises ValueError."""
    try:
        return list(json.loads(content)["keys"])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("a file of keys is an object with a list of keys") from error


def read_entries(
    content: bytes, read: Callable[[Any], tuple[str, T] | None], *faults: type[Exception]
) -> FileContent[dict[str, T]]:
    """What `read` makes of each entry of a file of keys, by the name that it gives; None: nothing of it.

    An entry for which `read` raises one of ENTRY_FAULTS or `faults` is unreadable. Raises ValueError for what
    is no such file.
    """
    found, unreadable = [], []
    caught: tuple[type[Exception], ...] = (*ENTRY_FAULTS, *faults)
    for number, entry in enumerate(keys_in(content), start=1):
        try:
            found.append(read(entry))
        except caught as error:
            unreadable.append(f"entry {number}: {error!r}")
    return FileContent(dict(filter(None, found)), unreadable)


class ReloadingFile(Generic[T]):
    """The content of a file, at most CHECK_INTERVAL old; a version that is no such file at all is ignored."""

    def __init__(
        self,
        path: Path,
        parse: Callable[[bytes], FileContent[T]],
        clock: Clock,
        *,
        unreadable_count: Gauge,
        at_first: T | None = None,
    ) -> None:
        """Read the file. `parse` raises ValueError for what is no such file.

        `unreadable_count`: shows the number of unreadable entries, 1 for an unreadable file. `at_first`: used
        until the file can be read; None: it must be readable now, else OSError or ValueError.
        """
        self.path = path
        self._parse = parse
        self._clock = clock
        self._unreadable_count = unreadable_count
        self._stamp: Stamp = None
        self._checked_at: datetime = clock.now()
        self._warning: str | None = None
        if at_first is None:
            self._stamp = self._read_stamp()
            self._accept(parse(path.read_bytes()))
        else:
            self._value = at_first
            self._refresh()

    @property
    def value(self) -> T:
        """What could be read; the file is checked once per CHECK_INTERVAL."""
        now = self._clock.now()
        if now - self._checked_at >= CHECK_INTERVAL:
            self._checked_at = now
            self._refresh()
        return self._value

    @property
    def warning(self) -> str | None:
        """What is wrong with the file, for people; None if all of it is used."""
        _ = self.value
        return self._warning

    def _refresh(self) -> None:
        stamp: Stamp = None
        try:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._accept(self._parse(self.path.read_bytes()))
        except (OSError, ValueError) as error:
            self._warning = f"{self.path.name} cannot be read; its last readable version stays in use"
            self._unreadable_count.set(1)
            if stamp is None or stamp != self._stamp:  # said once per version
                _log.error("%s", self._warning, exc_info=error)
        self._stamp = stamp

    def _accept(self, content: FileContent[T]) -> None:
        self._value = content.value
        count = len(content.unreadable)
        self._unreadable_count.set(count)
        self._warning = f"{self.path.name} has entries that cannot be used: {count}" if count else None
        for reason in content.unreadable:
            _log.error("an entry of %s cannot be used", self.path.name, extra={"cause": reason})

    def _read_stamp(self) -> Stamp:
        state = self.path.stat()
        return state.st_mtime_ns, state.st_size, state.st_ino
