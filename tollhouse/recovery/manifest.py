"""The manifest of a backup: when it was taken, of what, and the checksums of its files."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

FILE = "manifest.json"
FORMAT = 1


class BackupIsUnusable(Exception):
    """There is no backup here, or it is incomplete or damaged; the message says which."""


class PositionEntry(msgspec.Struct, frozen=True):
    """A position of a partition that the database knew: its own head, or what a consumer had consumed."""

    holder: str
    context: str
    partition: int
    position: int


class DatabaseBackup(msgspec.Struct, frozen=True):
    """One database: the file with its dump, and what it contained."""

    name: str
    file: str
    bytes: int
    sha256: str
    migrations: tuple[str, ...]
    events: int
    last_position: int
    positions: tuple[PositionEntry, ...]


class Manifest(msgspec.Struct, frozen=True):
    """All databases at one moment."""

    format: int
    taken_at: datetime
    tollhouse: str
    postgres: str
    partitions: int
    databases: tuple[DatabaseBackup, ...]

    def write(self, folder: Path) -> None:
        """Write it into the folder of its backup."""
        encoded = msgspec.json.format(msgspec.json.encode(self), indent=2)
        (folder / FILE).write_bytes(encoded)

    def checked(self, folder: Path) -> "Manifest":
        """This manifest, after every file was compared with its checksum. Raises BackupIsUnusable."""
        for database in self.databases:
            file = folder / database.file
            if not file.is_file() or checksum(file) != database.sha256:
                raise BackupIsUnusable(f"{file} is missing or is not the file that was written")
        return self


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises BackupIsUnusable."""
    try:
        manifest = msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupIsUnusable(f"{folder} has no readable {FILE}: {error}") from error
    if manifest.format != FORMAT:
        raise BackupIsUnusable(f"{folder} has format {manifest.format}; this version reads {FORMAT}")
    return manifest


def backups_in(folder: Path) -> Sequence[Path]:
    """The complete backups of a folder, oldest first: the folder itself, or those in it."""
    if (folder / FILE).is_file():
        return [folder]
    return sorted(found.parent for found in folder.glob(f"*/{FILE}"))


def backup_at(folder: Path, instant: datetime | None) -> Path:
    """The newest backup of a folder that was taken at or before an instant. Raises BackupIsUnusable."""
    found = [
        path for path in backups_in(folder) if instant is None or read_manifest(path).taken_at <= instant
    ]
    if not found:
        raise BackupIsUnusable(
            f"no backup in {folder}" + (f" is from {instant} or before" if instant else "")
        )
    return found[-1]


def checksum(file: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
