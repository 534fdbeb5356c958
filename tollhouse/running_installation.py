"""How other commands find a Tollhouse that runs: it leaves its addresses in `.tollhouse/running.json`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tollhouse.installation_state import write_privately


@dataclass(frozen=True, slots=True)
class RunningInstallation:
    """Addresses of a running house. It holds passwords: the file is its owner's only."""

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


def running(folder: Path) -> RunningInstallation:
    """The house that runs on a state folder. Raises NotRunning."""
    file = folder / "running.json"
    try:
        found = RunningInstallation(**json.loads(file.read_text()))
        os.kill(found.pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        raise NotRunning(f"nothing runs on {folder}: start it with `tollhouse up`") from None
    return found


@contextmanager
def published_addresses(folder: Path, house: RunningInstallation) -> Iterator[None]:
    """Leave the addresses there for the length of a block."""
    file = folder / "running.json"
    write_privately(file, json.dumps(asdict(house), indent=2))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
