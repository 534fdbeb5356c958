"""docs/architecture.md has three walks as call trees: real processes take them, through those files only."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from tests.walks.recording import Calls, record_walks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
FILES_MAX = {"usage event": 63, "subscribe": 46, "payment time-out": 27}

AROUND = (
    "projections/engine/turns",
    "shared/billing/contracts/subscriptions/test_clocks.py",
    "services/subscriptions/test_clocks/leaps",
    "services/metering/unreadable_usage/publisher",
    *(
        f"shared/framework/{path}"
        for path in (
            "observability/",
            "core/clock",
            "core/ids",
            "process/system",
            "retry/",
            "leadership/",
            "messaging/feed",
            "messaging/tenant_progress",
            "http/health",
            "http/reloading_file",  # keys are read again once a second
            "http/jwt_tokens",
        )
    ),
)
"""Left out of the walks, as the page says."""
HTTP = (
    "shared/framework/http/",
    "shared/framework/process/connection_limits.py",
    "shared/framework/core/text.py",
)
"""In a process whose walk has no request: the recorder's own, which wait until nothing is left to do."""


def walks() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """By name of the walk and process: the calls, `path function`, in order."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, block in re.findall(r"```walk ([^\n]+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        calls: list[str] = []
        for line in block.splitlines():
            if line.startswith(" "):
                calls.append(line.strip())
            else:
                calls = found.setdefault(name, {}).setdefault(line, [])
    return found


WALKS = walks()
every_process = pytest.mark.parametrize(
    ("walk", "process"), [(walk, process) for walk in WALKS for process in WALKS[walk]]
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recorded(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Calls]:
    """All walks, on an installation of this module's own."""
    return await record_walks(tmp_path_factory.mktemp("walks") / "state")


def file_of(call: str) -> str:
    return call.split(" ", 1)[0]


def test_the_page_has_the_walks() -> None:
    """A rule over no walk would hold for ever."""
    assert set(WALKS) == set(FILES_MAX)


@pytest.mark.parametrize("walk", FILES_MAX)
def test_a_walk_passes_few_files(walk: str) -> None:
    """The number may only fall: whoever follows a walk opens each of these files."""
    files = {file_of(call) for calls in WALKS[walk].values() for call in calls}
    assert [path for path in files if not (ROOT / path).is_file()] == []
    assert len(files) <= FILES_MAX[walk]


@every_process
async def test_a_process_calls_what_the_page_says_in_its_order(
    recorded: Mapping[str, Calls], walk: str, process: str
) -> None:
    """Other calls may lie between; a line without a function is a file that another one reads data from."""
    calls = iter(recorded[walk][process])
    for step in WALKS[walk][process]:
        if " " in step:
            assert step in calls, f"{walk}: {process} does not call {step} after what stands before it"


@every_process
async def test_a_process_passes_no_file_that_the_page_leaves_out(
    recorded: Mapping[str, Calls], walk: str, process: str
) -> None:
    """Except what runs around everything, and what loops call while there is nothing to do."""
    told = {file_of(call) for calls in WALKS[walk].values() for call in calls}
    has_request = (
        any(file_of(call).startswith(HTTP) for call in WALKS[walk][process]) or process == "projections"
    )
    around = AROUND if has_request else (*AROUND, *HTTP)
    passed = {file_of(call) for call in recorded[walk][process]}
    idle = {file_of(call) for call in recorded["idle"][process]}
    assert {path for path in passed - idle - told if not path.startswith(around)} == set()
