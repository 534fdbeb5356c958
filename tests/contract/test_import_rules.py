"""Each import rule fails when it is broken: in a copy of the code, one line breaks every rule at once."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "projections", "shared", "tollhouse")
RULES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LIMIT_S = 100

BREACHES = {
    "services-are-independent": ("services/invoicing/tax/decider.py", "services.payments.retry_policy"),
    "subjects-have-an-order": (
        "services/invoicing/tax/handlers.py",
        "services.invoicing.billing_runs.handlers",
    ),
    "inside-a-subject": ("services/invoicing/invoices/decider.py", "services.invoicing.invoices.handlers"),
    "deciders-are-pure": ("services/payments/payments/decider.py", "fastapi"),
    "handlers-use-ports": ("services/payments/collections/handlers.py", "asyncpg"),
    "projections-import-no-service": ("projections/settings.py", "services.payments.retry_policy"),
    "shared-is-below": ("shared/billing/money.py", "projections.settings"),
    "services-import-no-command-line": ("services/ingest/settings.py", "tollhouse.roles"),
    "layers-of-the-read-side": ("projections/engine/read_model.py", "projections.register"),
    "layers-of-the-read-sides-engine": ("projections/engine/read_model.py", "projections.engine.projector"),
    "folds-are-pure": ("projections/read_models/usage/projection.py", "pydantic"),
    "framework-stands-alone": ("shared/framework/core/ids.py", "shared.billing.money"),
    "layers-of-the-framework": ("shared/framework/core/decider.py", "shared.framework.http.problem"),
    "layers-of-billing": ("shared/billing/currency.py", "shared.billing.contracts"),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter prints for a copy in which every rule is broken."""
    copy = tmp_path_factory.mktemp("broken")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for file, module in BREACHES.values():
        path = copy / file
        path.touch()
        path.write_text(path.read_text() + f"\nimport {module}  # noqa\n")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return re.sub(r"\s+", " ", done.stdout)


def names() -> dict[str, str]:
    return {rule["id"]: rule["name"] for rule in RULES}


@pytest.mark.parametrize("rule", BREACHES)
def test_a_broken_rule_is_reported(broken: str, rule: str) -> None:
    """A rule that selects nothing would be kept here too."""
    assert f"{names()[rule]} BROKEN" in broken


def test_every_rule_is_broken_once() -> None:
    """A new rule needs its breach here."""
    assert set(BREACHES) == set(names())
