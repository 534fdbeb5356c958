"""Runs seeds on all cores: `python -m tests.simulation --seeds 20000`, or tells one: `--seed 42`."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.simulation.lives import Outcome, plan_of, run
from tests.simulation.shrink import shrunk

CHUNK = 25
TWICE_EVERY = 20
"""Of so many seeds one is run twice, to see that both histories are equal to the byte."""

FAILURES_TOLD = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if a seed failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="run this seed only, and tell its story")
    parser.add_argument(
        "--digests",
        action="store_true",
        help="only print each seed's history as a digest, to compare Pythons",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _tell(run(plan_of(given.seed)))
    if given.digests:
        for seed in range(given.first, given.first + given.seeds):
            print(seed, run(plan_of(seed)).digest, flush=True)
        return 0
    return _run_all(given.first, given.seeds, given.workers)


def _run_all(first: int, count: int, workers: int) -> int:
    began, failed, events, cpu_s = time.monotonic(), list[int](), 0, 0.0
    with ProcessPoolExecutor(workers) as pool:
        chunks = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
        for done in as_completed([pool.submit(run_chunk, chunk) for chunk in chunks]):
            problems, chunk_events, chunk_cpu_s = done.result()
            events, cpu_s = events + chunk_events, cpu_s + chunk_cpu_s
            for seed, violation in problems:
                failed.append(seed)
                if len(failed) <= FAILURES_TOLD:
                    print(f"seed {seed}: {violation}", flush=True)
    took_s = time.monotonic() - began
    print(
        f"{count} seeds, {len(failed)} failed, {events} events, {took_s:.0f} s:"
        f" {count / took_s * 60:.0f} seeds/min on {workers} processes,"
        f" {count / max(cpu_s, 0.001) * 60:.0f} per minute of a core"
    )
    for seed in sorted(failed)[:1]:
        _tell(shrunk(run(plan_of(seed))))
    if failed:
        print(f"failed: {sorted(failed)[:50]}; tell one with: make sim SEED={min(failed)}")
    return 1 if failed else 0


def run_chunk(seeds: range) -> tuple[list[tuple[int, str]], int, float]:
    """The failing seeds among these, the number of events, and the seconds of a core that they took."""
    began, problems, events = time.process_time(), [], 0
    for seed in seeds:
        outcome = run(plan_of(seed))
        events += outcome.events
        if outcome.violation:
            problems.append((seed, outcome.violation))
        elif seed % TWICE_EVERY == 0 and run(plan_of(seed)).digest != outcome.digest:
            problems.append((seed, "determinism: two runs of the seed give different histories"))
    return problems, events, time.process_time() - began


def _tell(outcome: Outcome) -> int:
    plan = outcome.plan
    print(f"--- seed {plan.seed}, {len(plan.steps)} steps, {len(plan.faults)} faults, {plan.weather}")
    print("\n".join(line[:300] for line in outcome.story))
    print(f"--- {outcome.events} events, sha-256 {outcome.digest}")
    print(f"--- {outcome.violation or 'everything holds'}")
    return 1 if outcome.violation else 0


if __name__ == "__main__":
    sys.exit(main())
