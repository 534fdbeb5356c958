"""Rules of the repository that no other tool checks."""

import ast
import re
import statistics
from pathlib import Path

import pytest

import projections
import services
import shared

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "projections", "shared", "tollhouse")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PRODUCT = [path for path in FILES if "tests" not in path.parts]
# Every other file of a subject is pure: pure by default, impure by name.
IMPURE_NAMES = set(
    "routes schemas handlers reactions timers feature consumer postgres memory snapshot"
    " group_commit query publisher backfill leaps usage_progress payment_outcome"
    " time_limited gateway ledger conftest".split()
)
SUBJECTS = sorted(
    path.parent for path in (ROOT / "services").glob("*/*/__init__.py") if path.parent.name != "tests"
)
PURE = [
    path
    for path in PRODUCT
    if (any(subject in path.parents for subject in SUBJECTS) and path.stem not in IMPURE_NAMES)
    or (ROOT / "shared" / "billing") in path.parents
    or (ROOT / "shared" / "framework" / "core") in path.parents
]
BANNED_NAMES = {"utils", "helpers", "common", "base", "misc", "manager", "service", "models"}
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
MEDIAN_FILE_LINES_MAX = 80


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_the_rooms_that_are_imported_are_ours() -> None:
    """`services` and `shared` are common words: another package of that name must not answer for us."""
    found = {Path(str(package.__file__)).parent.parent for package in (services, shared, projections)}
    assert found == {ROOT}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_function_is_longer_than_a_screen(path: Path) -> None:
    """Aim at 8 lines, 30 is much, 60 is the wall."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    long = [f"{f.name}: {f.end_lineno - f.lineno + 1}" for f in functions if f.end_lineno]
    assert [name for name in long if int(name.rsplit(" ", 1)[1]) > FUNCTION_LINES_MAX] == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    """Such a file has no subject, so everything ends up in it."""
    assert [str(path) for path in FILES if path.stem in BANNED_NAMES] == []


def test_files_stay_small() -> None:
    """Half of all files fit on one screen and a half; none is longer than the limit."""
    sizes = {path: _lines(path) for path in PRODUCT if path.name != "__init__.py"}
    assert statistics.median(sizes.values()) <= MEDIAN_FILE_LINES_MAX
    assert {str(path): lines for path, lines in sizes.items() if lines > FILE_LINES_MAX} == {}


def test_the_purity_rule_selects_the_files_that_decide() -> None:
    """A rule over an empty selection would hold for ever."""
    deciders = [path for path in PRODUCT if path.stem in {"decider", "commands", "state"}]
    assert len(deciders) > 10
    assert set(deciders) <= set(PURE)
    assert len(PURE) > 60


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_rooms_know_no_clock_no_dice_and_no_waiting(path: Path) -> None:
    """What decides about money must give the same answer for ever."""
    text = path.read_text(encoding="utf-8")
    impure = r"datetime\.now|utcnow|time\.time|uuid4|import random|import asyncio|float\("
    if path.stem not in {"port", "ports"}:  # a Protocol names what it waits for, and does nothing
        impure += "|async def"
    assert re.findall(impure, text) == []


def test_nothing_is_promised_and_missing() -> None:
    """A capability is there or it is not mentioned."""
    promise = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|in a real system")
    found = [
        f"{path.name}: {m[0]}" for path in PRODUCT if (m := promise.search(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's business (a mirror, an index, a cache)."""
    host = re.compile(r"pythonhosted\.org|pypi\.org|registry\.npmjs|repo\.maven|repo1\.maven|files\.python")
    tracked = [p for p in ROOT.rglob("*") if p.is_file() and not _ignored(p)]
    assert [
        str(p) for p in tracked if p != Path(__file__) and host.search(p.read_text(errors="ignore"))
    ] == []


def _ignored(path: Path) -> bool:
    hidden = {".git", ".venv", ".tollhouse", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    return bool(hidden & set(path.relative_to(ROOT).parts)) or path.suffix == ".pyc"
