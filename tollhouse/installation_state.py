"""Ports and passwords of a local installation, kept between runs in `.tollhouse/state.json`."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Below the range from which the kernel takes the ports of outgoing connections:
# a restarted server finds its old port free.
FIRST_PORT, LAST_PORT = 20_000, 31_999


class AlreadyRunning(Exception):
    """Another process uses this state folder."""


class InstallationState:
    """Ports and passwords of one state folder, in a file that only its owner can read."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()  # child processes may have another working directory
        self._file = self.folder / "state.json"
        self._saved: dict[str, dict[str, Any]] = {"ports": {}, "secrets": {}}
        if self._file.exists():
            self._saved |= json.loads(self._file.read_text())

    def port(self, name: str) -> int:
        """The loopback port of a server: the one it had before, unless another process uses it now."""
        ports: dict[str, int] = self._saved["ports"]
        if name not in ports or not _is_free(ports[name]):
            ports[name] = _free_port(set(ports.values()))
            self._save()
        return ports[name]

    def secret(self, name: str) -> str:
        """A random password or id of 32 hexadecimal digits, generated once per name."""
        generated: dict[str, str] = self._saved["secrets"]
        if name not in generated:
            generated[name] = secrets.token_hex(16)
            self._save()
        return generated[name]

    def _save(self) -> None:
        write_private_file(self._file, json.dumps(self._saved, indent=2))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port(taken: set[int]) -> int:
    while True:
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT + 1)
        if port not in taken and _is_free(port):
            return port


def write_private_file(file: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(file)


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Lock a state folder for the length of a block. Raises AlreadyRunning."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"a Tollhouse is running on {folder}: stop it first") from None
        yield
