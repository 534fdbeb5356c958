"""The commands of docs/guides/first-invoice.md, run word for word."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Installation

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "first-invoice.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide is for people who have curl")
def test_the_first_invoice_by_hand(installation: Installation) -> None:
    """From nothing to a paid invoice of 13.09 euros, with curl."""
    script = "".join(re.findall(r"```bash\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL))
    here = str(Path(sys.executable).parent)
    environment = os.environ | {
        "TOLLHOUSE_HOME": str(installation.folder),
        "PATH": f"{here}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        env=environment,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, answer = done.stdout.splitlines()
    (edge,) = json.loads(answer)["data"]["invoices"]["edges"]
    invoice = edge["node"]
    assert (invoice["number"], invoice["status"]) == ("INV-000001", "paid")
    assert invoice["total"] == {"amount": "13.09", "currency": "EUR"}
    assert [line["amount"]["amount"] for line in invoice["lines"]] == ["10.00", "1.00"]
