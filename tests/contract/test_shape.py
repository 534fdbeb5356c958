"""Every service is a set of subjects of one shape: fixed file names, a docstring, a feature in main.py."""

import ast
import re
from pathlib import Path

import pytest

from tests.contract.test_house_rules import IMPURE_NAMES, PURE, ROOT, SUBJECTS

SERVICES = sorted(path.parent for path in (ROOT / "services").glob("*/main.py"))
BESIDE_SUBJECTS = {"__init__", "main", "settings", "conftest"}
ROLES = {"decider", "commands", "state", "refusals", "ports", "port"} | IMPURE_NAMES

every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
every_subject = pytest.mark.parametrize(
    "subject", SUBJECTS, ids=lambda path: str(path.relative_to(ROOT / "services"))
)


def test_there_are_five_services_with_subjects() -> None:
    """A rule over no folder would hold for ever."""
    assert [service.name for service in SERVICES] == [
        "ingest", "invoicing", "metering", "payments", "subscriptions"
    ]  # fmt: skip
    assert len(SUBJECTS) > 20


@every_service
def test_a_service_is_main_settings_migrations_and_subjects(service: Path) -> None:
    """What does not belong to one subject is the composition root, or pure (a policy that subjects share)."""
    files = {path.stem for path in service.glob("*.py")} - BESIDE_SUBJECTS
    assert {service / f"{stem}.py" for stem in files} <= {service / "retry_policy.py"}
    folders = {path.name for path in service.iterdir() if path.is_dir()} - {
        "migrations",
        "tests",
        "__pycache__",
    }
    assert folders == {subject.name for subject in SUBJECTS if subject.parent == service}
    assert (service / "README.md").is_file()


@every_subject
def test_a_subject_says_what_it_is_in_its_docstring_alone(subject: Path) -> None:
    """Except a register of variants, which is the one line that a new variant adds."""
    tree = ast.parse((subject / "__init__.py").read_text(encoding="utf-8"))
    docstring = ast.get_docstring(tree)
    assert docstring is not None
    assert len(docstring) > 20
    if subject.name not in {"aggregations", "formats", "gateways"}:
        assert len(tree.body) == 1


@every_subject
def test_the_files_of_a_subject_have_names_from_the_list(subject: Path) -> None:
    """Roles have fixed names; every other file is pure arithmetic, and named by a noun."""
    for path in subject.glob("*.py"):
        if path.stem not in ROLES | {"__init__"}:
            assert path in PURE
            assert re.fullmatch(r"[a-z]+(_[a-z]+)*", path.stem)


@every_subject
def test_a_subject_with_routes_reactions_or_timers_has_a_feature(subject: Path) -> None:
    """Otherwise main.py would not mount them."""
    mounted = {"routes", "reactions", "timers", "consumer"} & {path.stem for path in subject.glob("*.py")}
    assert not mounted or (subject / "feature.py").is_file()


@every_service
def test_main_mounts_every_feature(service: Path) -> None:
    """One line per subject."""
    main = (service / "main.py").read_text(encoding="utf-8")
    features = [path.parent.name for path in service.glob("*/feature.py")]
    missing = [name for name in features if f"services.{service.name}.{name}.feature import" not in main]
    assert missing == []


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pure_file_imports_no_module_that_loads_a_framework(path: Path) -> None:
    """`shared.framework` itself is lazy: import rules cannot see what a name of it loads."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "shared.framework" not in modules


def test_the_contributing_page_lists_every_impure_name() -> None:
    """The list is closed: a new role is added there and here."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = {name.removesuffix(".py") for name in re.findall(r"`(\w+\.py)`", page)}
    assert IMPURE_NAMES - {"conftest"} <= listed
