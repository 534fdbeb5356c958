"""Addresses of a running installation, in `.tollhouse/running.json`: how other commands find it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tollhouse.installation_state import write_private_file


@dataclass(frozen=True, slots=True)
class RunningInstallation:
    """Addresses of a running installation. They contain passwords, so only the owner may read the file."""

    pid: int
    urls: dict[str, str]
    dsns: dict[str, str]
    owner_dsns: dict[str, str]
    postgres_url: str
    redis_url: str
    kafka_bootstrap: str
    broker: str


class NotRunning(Exception):
    """No Tollhouse runs on this state folder."""


def find_running(folder: Path) -> RunningInstallation:
    """The installation that runs on a state folder. Raises NotRunning."""
    file = folder / "running.json"
    try:
        found = RunningInstallation(**json.loads(file.read_text()))
        os.kill(found.pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        raise NotRunning(f"nothing runs on {folder}: start it with `tollhouse up`") from None
    return found


@contextmanager
def published_addresses(folder: Path, installation: RunningInstallation) -> Iterator[None]:
    """Write the addresses to the state folder for the length of a block."""
    file = folder / "running.json"
    write_private_file(file, json.dumps(asdict(installation), indent=2))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
