"""As whom a child process runs. PostgreSQL refuses to run as root, so a root launcher must step down."""

import ctypes
import functools
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWUSER = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork: a child must not load libraries


@dataclass(frozen=True, slots=True)
class ProcessUser:
    """How a child becomes who it shall be: `enter` runs in it before exec; uid and gid None mean ours."""

    name: str
    enter: Callable[[], None] = lambda: None
    uid: int | None = None
    gid: int | None = None

    @property
    def is_somebody_else(self) -> bool:
        """Whether files must be given away to be readable for this identity."""
        return self.uid is not None

    @property
    def groups(self) -> list[int] | None:
        """Supplementary groups: none for somebody else, ours otherwise."""
        return [] if self.is_somebody_else else None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end under this identity, catching what it says."""
        return subprocess.run(
            command,
            preexec_fn=self.enter,
            user=self.uid,
            group=self.gid,
            extra_groups=self.groups,
            capture_output=True,
            check=False,
        )

    def can_run(self, *command: str | Path) -> bool:
        """Whether a command starts and succeeds under this identity."""
        try:
            return self.run(*command).returncode == 0
        except (OSError, subprocess.SubprocessError):
            return False

    def take(self, path: Path) -> None:
        """Make a file or folder this identity's own."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def _enter_user_namespace() -> None:
    """Be uid 1000 inside, still root outside: no account, no chown, works below a closed home folder."""
    if _libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("1000 0 1")
    Path("/proc/self/gid_map").write_text("1000 0 1")


AS_WE_ARE = ProcessUser("as we are")
IN_USER_NAMESPACE = ProcessUser("in a user namespace", _enter_user_namespace)


def as_nobody() -> ProcessUser:
    """The account `nobody`, for containers that forbid user namespaces."""
    account = pwd.getpwnam("nobody")
    return ProcessUser("nobody", uid=account.pw_uid, gid=account.pw_gid)


@functools.cache
def unprivileged() -> ProcessUser:
    """The best way not to be root on this machine."""
    if os.geteuid() != 0:
        return AS_WE_ARE
    if sys.platform == "linux" and IN_USER_NAMESPACE.can_run("true"):
        return IN_USER_NAMESPACE
    return as_nobody()
