"""What a change costs in files: real changes as patches, applied to a copy, tested, type-checked and counted.

A patch in `changes/` begins with a line that says what it is and a line `Tests: <what pytest runs of it>`.
When the code around a change moves and its patch no longer applies, make the change again and save its diff.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHANGES = {path.stem: path for path in sorted((Path(__file__).parent / "changes").glob("*.patch"))}
PRODUCT = {"services", "projections", "shared", "tollhouse"}
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".tollhouse", ".hypothesis", ".pytest_cache", ".ruff_cache", "__pycache__"
)
PATCH_LIMIT_S, TESTS_LIMIT_S, TYPES_LIMIT_S = 20, 100, 280  # a busy machine without the checker's cache


@dataclass(frozen=True, slots=True)
class Cost:
    """Files of the product that a change adds and edits, and the manifests that it edits.

    The folder of a new aggregate counts as one. A gateway edits a manifest for its secret.
    """

    new: int
    edited: int
    manifests: int = 0


PROMISED = {
    "event": Cost(new=0, edited=2),
    "command": Cost(new=0, edited=3),
    "price_model": Cost(new=1, edited=1),
    "aggregation": Cost(new=1, edited=1),
    "gateway": Cost(new=1, edited=1, manifests=1),
    "ingest_format": Cost(new=1, edited=1),
    "read_model": Cost(new=2, edited=1),
    "aggregate": Cost(new=2, edited=1),
}
ONE_LINE = ["aggregation", "gateway", "ingest_format", "read_model", "aggregate"]
"""Of these changes, the edited file is a register that gets one line, and the import that it needs."""

every_change = pytest.mark.parametrize("change", PROMISED)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it is, with the type checker's cache if there is one: it makes a check quick."""
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("copy") / "tollhouse", ignore=NOT_COPIED))


def test_every_promise_has_its_patch() -> None:
    assert set(CHANGES) == set(PROMISED)


@every_change
def test_a_change_touches_as_many_files_as_promised(change: str) -> None:
    """Neither tests, nor marks of a package, nor the generated schema are counted."""
    assert _cost(CHANGES[change]) == PROMISED[change]


@pytest.mark.parametrize("change", ONE_LINE)
def test_a_register_gets_one_line(change: str) -> None:
    [edited] = [part for part in _parts(CHANGES[change]) if part.counts and not part.is_new]
    added = [line for line in edited.added if line.strip() and not line.startswith("from ")]
    assert len(added) == 1, added


@every_change
def test_a_change_passes_the_tests_of_its_subject(change: str, copy: Path) -> None:
    with _applied(copy, [change]):
        _run(copy, "pytest", "-q", "-x", "-p", "no:cacheprovider", *_tests(change), limit_s=TESTS_LIMIT_S)


@pytest.mark.timeout(TYPES_LIMIT_S + 20)
def test_all_changes_pass_the_type_checker_and_the_linter(copy: Path) -> None:
    """All of them at once: they are independent of each other."""
    with _applied(copy, list(PROMISED)):
        _run(copy, "mypy", limit_s=TYPES_LIMIT_S)
        touched = {str(part.path) for change in PROMISED for part in _parts(CHANGES[change])}
        code = sorted(path for path in touched if path.endswith(".py"))
        _run(copy, "ruff", "check", "--quiet", *code, limit_s=PATCH_LIMIT_S)


@dataclass(frozen=True, slots=True)
class _Part:
    """What a patch does to one file."""

    path: Path
    is_new: bool
    added: Sequence[str]

    @property
    def counts(self) -> bool:
        marks_a_package = self.is_new and self.path.name == "__init__.py" and len(self.added) <= 1
        is_code = self.path.parts[0] in PRODUCT and self.path.suffix == ".py"
        return is_code and "tests" not in self.path.parts and not marks_a_package


def _cost(patch: Path) -> Cost:
    parts = _parts(patch)
    aggregates = {part.path.parent for part in parts if part.is_new and part.path.name == "decider.py"}
    new = {part.path for part in parts if part.counts and part.is_new}
    new = {path.parent if path.parent in aggregates else path for path in new}
    edited = [part for part in parts if part.counts and not part.is_new]
    return Cost(len(new), len(edited), sum(part.path.suffix == ".yaml" for part in parts))


def _parts(patch: Path) -> list[_Part]:
    parts = []
    for text in patch.read_text(encoding="utf-8").split("\ndiff --git a/")[1:]:
        lines = text.splitlines()
        added = [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++ ")]
        is_new = any(line.startswith("new file mode") for line in lines)
        parts.append(_Part(Path(lines[0].partition(" b/")[0]), is_new, added))
    return parts


def _tests(change: str) -> list[str]:
    _, second, *_ = CHANGES[change].read_text(encoding="utf-8").splitlines()
    return second.removeprefix("Tests: ").split()


@contextmanager
def _applied(copy: Path, changes: Sequence[str]) -> Iterator[None]:
    patches = [str(CHANGES[change]) for change in changes]
    apply = ["git", "apply", "-C1", "--whitespace=nowarn"]
    for patch in patches:
        _succeed(copy, [*apply, patch], PATCH_LIMIT_S)
    try:
        yield
    finally:
        for patch in reversed(patches):
            _succeed(copy, [*apply, "--reverse", patch], PATCH_LIMIT_S)


def _run(copy: Path, module: str, *arguments: str, limit_s: int) -> None:
    _succeed(copy, [sys.executable, "-m", module, *arguments], limit_s)


def _succeed(copy: Path, command: Sequence[str], limit_s: int) -> None:
    outer = ("PYTEST_", "COV_", "GIT_")  # what an outer run of tests or a git hook says is not for this one
    env = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    env["GIT_CEILING_DIRECTORIES"] = str(copy.parent)  # in a subfolder of a checkout, git apply does nothing
    done = subprocess.run(
        command, check=False, cwd=copy, env=env, capture_output=True, text=True, timeout=limit_s
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-2000:]}"
