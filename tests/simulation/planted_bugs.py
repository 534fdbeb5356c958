"""Plants each bug of `bugs/` into a copy of the tree, and lives seeds there until one fails.

`python -m tests.simulation.planted_bugs [--seeds 2000] [name ...]` prints the seed that caught each bug.
A patch begins with a line that says what the bug does. When code around it moves, plant it again: save
`git diff`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATCHES = {path.stem: path for path in sorted((Path(__file__).parent / "bugs").glob("*.patch"))}
PARTS = ("services", "projections", "shared", "tollhouse")
SEEDS_MAX = 2000
LIMIT_S = 3600.0
PROGRAM = """
import sys
from tests.simulation.lives import plan_of, run
for seed in range(int(sys.argv[1])):
    violation = run(plan_of(seed)).violation
    if violation:
        print(seed, " ".join(violation.split()))
        break
"""


@dataclass(frozen=True, slots=True)
class Caught:
    """The first seed that fails with a bug, and what it says; `seed` is None if none does."""

    bug: str
    seed: int | None
    says: str
    took_s: float


def hunt(bug: str, seeds: int = SEEDS_MAX, limit_s: float = LIMIT_S) -> Caught:
    """Plant a bug, and live seeds 0, 1, ... until one fails."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        plant(bug, copy)
        done = _run(copy, [sys.executable, "-c", PROGRAM, str(seeds)], limit_s)
    seed, _, says = done.stdout.strip().partition(" ")
    return Caught(bug, int(seed) if seed else None, says, time.monotonic() - began)


def plant(bug: str, copy: Path) -> None:
    """Copy the product and the world to an empty folder, and apply the patch there."""
    ignored = shutil.ignore_patterns("__pycache__", "*.sql.xz")
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=ignored)
    shutil.copytree(ROOT / "tests" / "simulation", copy / "tests" / "simulation", ignore=ignored)
    (copy / "tests" / "__init__.py").touch()
    _run(copy, ["git", "apply", "-C1", "--whitespace=nowarn", str(PATCHES[bug])], 60.0)


def _run(folder: Path, command: Sequence[str], limit_s: float) -> "subprocess.CompletedProcess[str]":
    outer = ("PYTEST_", "COV_", "GIT_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    env |= {"GIT_CEILING_DIRECTORIES": str(folder.parent), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        command, check=False, cwd=folder, env=env, capture_output=True, text=True, timeout=limit_s
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if a bug was not caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("bugs", nargs="*", default=[])
    given = parser.parse_args(arguments)
    bugs, missed = given.bugs or list(PATCHES), 0
    with ThreadPoolExecutor(given.workers) as pool:  # each hunt is a process of its own
        for hunted in as_completed([pool.submit(hunt, bug, given.seeds) for bug in bugs]):
            caught = hunted.result()
            missed += caught.seed is None
            found = "NOT CAUGHT" if caught.seed is None else f"seed {caught.seed}"
            print(f"{caught.bug:<48} {found:<12} {caught.took_s:5.0f} s  {caught.says[:110]}", flush=True)
    print(f"{len(bugs) - missed} of {len(bugs)} planted bugs caught within {given.seeds} seeds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
