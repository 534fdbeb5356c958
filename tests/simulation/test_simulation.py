"""The simulated world in `make test`: a fixed budget of seeds, and that a seed is one history."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import APIRouter

from tests.simulation.lives import plan_of, run
from tests.simulation.plan import Weather

ROOT = Path(__file__).parents[2]
BUDGET_S = 10.0
FIRST, SEEDS_MIN = 1_000_000, 3


@pytest.mark.timeout(180)
def test_as_many_seeds_as_the_budget_allows() -> None:
    """Far from the seeds that `make sim` begins with, so that both together see more lives."""
    began, seed = time.monotonic(), FIRST
    while seed < FIRST + SEEDS_MIN or time.monotonic() < began + BUDGET_S:
        outcome = run(plan_of(seed))
        assert outcome.violation is None, f"make sim SEED={seed}: {outcome.violation}"
        seed += 1


@pytest.mark.timeout(60)
def test_a_world_takes_no_routes_from_the_next() -> None:
    """Services whose builds take turns once left every later application without routes: all was refused."""
    add_api_route = APIRouter.add_api_route
    for seed in range(3):
        suspending = replace(plan_of(seed), days=0.01, replicas={"subscriptions": 2}, steps=(), faults=())
        assert run(replace(suspending, weather=Weather(suspends=1.0))).violation is None
        assert APIRouter.add_api_route is add_api_route


DIGESTS = "from tests.simulation.lives import *; print(run(plan_of(3)).digest, run(plan_of(4)).digest)"


@pytest.mark.timeout(180)
def test_a_seed_is_one_history_to_the_byte() -> None:
    """In another process, under another hash seed and with assertions off, after other seeds."""
    run(plan_of(5))
    here = f"{run(plan_of(3)).digest} {run(plan_of(4)).digest}"
    for hash_seed, flag in (("1", "-B"), ("77", "-O")):
        env = os.environ | {"PYTHONHASHSEED": hash_seed}
        there = subprocess.run(
            [sys.executable, flag, "-c", DIGESTS],
            check=True,
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
        )
        assert there.stdout.strip() == here
