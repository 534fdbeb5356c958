"""A service that was killed is ready again without importing everything anew."""

import asyncio
import os
import resource
import sys
from pathlib import Path

import pytest

from tests.bench.restart import kill
from tollhouse.supervisor import Stack
from tollhouse.topology import SERVICES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fork server needs Linux")

BACK_WITHIN_S = 20.0
"""Generous, for a busy machine; `python -m tests.bench restart` measures, with a goal of 3 s."""


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def cpu_seconds_of_import(module: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", f"import {module}")
    assert await process.wait() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def test_a_restart_costs_less_than_half_of_the_imports(tmp_path: Path) -> None:
    """In CPU time, which other processes do not change. Before, a start was the imports and more."""
    async with Stack.start(tmp_path / "state", fast=True) as stack:
        for service in SERVICES:
            assert await kill(stack, service.name) < BACK_WITHIN_S
            pid = stack.pids[service.name]
            assert pid is not None
            assert cpu_seconds(pid) < await cpu_seconds_of_import(service.module) / 2, service.name
