"""`shared.framework` exports these names, and imports only what a name needs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import shared.framework

NAMES = sorted(
    "ApiModel Caller Clock CommandDep Contracts Decider Event EventRecord Feature ImpossibleHistory Refusal"
    " RefusalKind ServiceDefinition ServiceDependencies ServiceSettings Session SideWrite Timer TimerHandler"
    " by_wire_name command_router derived_id requires run_process".split()
)
HEAVY = ("fastapi", "starlette", "pydantic", "asyncpg", "aiokafka", "opentelemetry")


def test_the_public_names_are_these() -> None:
    assert dir(shared.framework) == NAMES
    assert all(getattr(shared.framework, name).__module__ for name in NAMES)
    with pytest.raises(AttributeError, match="Decidr"):
        _ = shared.framework.Decidr


def test_type_checkers_see_the_names_in_the_same_modules() -> None:
    tree = ast.parse(Path(str(shared.framework.__file__)).read_text())
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    declared = {
        alias.asname: str(node.module).removeprefix("shared.framework.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert declared == shared.framework._MODULES


def test_a_decider_loads_no_framework() -> None:
    code = (
        "import sys; from shared.framework import Decider, Event, Refusal, derived_id;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"
