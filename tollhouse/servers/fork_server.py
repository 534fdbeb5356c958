"""The fork server: imports the modules of all services once, and forks a process for each start of one.

`python -m tollhouse.servers.fork_server <module> ...`, with a socket as standard input. Each line from the
socket is a StartRequest as JSON; each line to it `{"started": pid}`, in the order of the requests, or
`{"ended": pid, "code": exit code, negative: a signal}`. Linux only: its children end with it. One thread, so
that a fork copies no lock that another thread holds.
"""

import ctypes
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
RECEIVE_BYTES = 65_536
_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A process to be forked: `module` is run as `python -m` would, with this environment and log file."""

    name: str
    module: str
    log: str
    environment: dict[str, str]


class ForkServer:
    """Forks on request and reports ends, until the socket closes."""

    def __init__(self, control: socket.socket) -> None:
        """`control`: the connection to the supervisor."""
        self._control = control
        self._received = b""
        self._wake_up, signalled = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._descriptors = (self._wake_up, signalled)
        signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def next_child(self) -> StartRequest | None:
        """Serve; returns in each forked child with its request, and in the server with None at the end."""
        control = self._control.fileno()
        while True:
            readable, _, _ = select.select([control, self._wake_up], [], [])
            if self._wake_up in readable:
                with suppress(BlockingIOError):
                    os.read(self._wake_up, RECEIVE_BYTES)
                self._report_ends()
            if control in readable:
                data = self._control.recv(RECEIVE_BYTES)
                if not data:
                    return None
                *lines, self._received = (self._received + data).split(b"\n")
                for line in lines:
                    request = StartRequest(**json.loads(line))
                    if self._fork_for(request):
                        return request

    def _fork_for(self, request: StartRequest) -> bool:
        """Whether this is the child."""
        server = os.getpid()
        pid = os.fork()
        if pid:
            self._send({"started": pid})
            return False
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._control.close()
        _become(request, server)
        return True

    def _report_ends(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._send({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _send(self, message: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")


def _become(request: StartRequest, server: int) -> None:
    """Session, name, log and environment of the service's own; the kernel ends it with the server."""
    os.setsid()
    _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    _libc.prctl(PR_SET_NAME, request.name.encode()[:15])
    if os.getppid() != server:
        os._exit(1)  # the server ended between fork and here
    log = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)
    os.environ.clear()
    os.environ.update(request.environment)


def main(modules: list[str]) -> None:
    """Import the modules, serve, and run the requested module in each child."""
    control = socket.socket(fileno=os.dup(0))
    gc.disable()  # a third of the time that the imports take
    for module in modules:
        with suppress(Exception):  # the child that runs it raises it again, into its own log
            import_module(module)
    gc.enable()
    gc.collect()
    gc.freeze()  # no collection writes to pages that are shared with the children
    request = ForkServer(control).next_child()
    if request is not None:
        sys.modules.pop(request.module, None)  # so that it is run again, as __main__
        runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
