"""Runs one service with call tracing: `python -m tests.walks.traced`, as `python -m services.<name>.main`.

The service's name is the stem of TOLLHOUSE_TRACE_FILE. SIGUSR1 makes `<name>.recording` beside that file and
starts recording the product's functions that are entered on the event loop's thread. SIGUSR2 stops, and
writes them in order of entry to `<name>.calls`, one `path qualified.name` per line.
"""

import os
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[2]
PRODUCT = tuple(f"{ROOT / folder}/" for folder in ("services", "shared", "projections"))


def record_between_signals(calls: Path) -> None:
    """Record from SIGUSR1 to SIGUSR2."""
    entered: list[str] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PRODUCT):
            entered.append(f"{code.co_filename.removeprefix(f'{ROOT}/')} {code.co_qualname}")

    def start(*_: object) -> None:
        entered.clear()
        sys.setprofile(profile)
        calls.with_suffix(".recording").touch()

    def stop(*_: object) -> None:
        sys.setprofile(None)
        part = calls.with_suffix(".part")
        part.write_text("\n".join(entered))
        part.rename(calls)

    signal.signal(signal.SIGUSR1, start)
    signal.signal(signal.SIGUSR2, stop)


if __name__ == "__main__":
    trace_file = Path(os.environ["TOLLHOUSE_TRACE_FILE"])
    record_between_signals(trace_file.with_suffix(".calls"))
    module = "projections.main" if trace_file.stem == "projections" else f"services.{trace_file.stem}.main"
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
