"""The operating system user of a child process: another than root, as which PostgreSQL refuses to run."""

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
    """A user to run as. `enter` is called in the child before exec; uid and gid None: the current ones."""

    name: str
    enter: Callable[[], None] = lambda: None
    uid: int | None = None
    gid: int | None = None

    @property
    def is_other_user(self) -> bool:
        """Whether it is another account, which must own the files that it uses."""
        return self.uid is not None

    @property
    def groups(self) -> list[int] | None:
        """Supplementary groups: none for another account, unchanged otherwise."""
        return [] if self.is_other_user else None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Run a command as this user, and capture its output."""
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
        """Whether a command succeeds as this user."""
        try:
            return self.run(*command).returncode == 0
        except (OSError, subprocess.SubprocessError):
            return False

    def own(self, path: Path) -> None:
        """Make this user the owner of a file or folder."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def _enter_user_namespace() -> None:
    """Enter a namespace with uid 1000, which is still root outside: needs no account and no chown."""
    if _libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("1000 0 1")
    Path("/proc/self/gid_map").write_text("1000 0 1")


SAME_USER = ProcessUser("current user")
IN_USER_NAMESPACE = ProcessUser("in a user namespace", _enter_user_namespace)


def as_nobody() -> ProcessUser:
    """The account `nobody`, for containers that forbid user namespaces."""
    account = pwd.getpwnam("nobody")
    return ProcessUser("nobody", uid=account.pw_uid, gid=account.pw_gid)


@functools.cache
def unprivileged() -> ProcessUser:
    """A user that is not root: the current one, root in a user namespace, or the account `nobody`."""
    if os.geteuid() != 0:
        return SAME_USER
    if sys.platform == "linux" and IN_USER_NAMESPACE.can_run("true"):
        return IN_USER_NAMESPACE
    return as_nobody()
