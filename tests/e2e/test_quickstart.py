"""`tollhouse quickstart` makes a first invoice from nothing, and leaves nothing behind."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tollhouse import quickstart
from tollhouse.topology import REPOSITORY_ROOT


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`tollhouse quickstart`, with its temporary files in a folder; it must exit with 0."""
    command = [sys.executable, "-m", "tollhouse", "quickstart", *arguments]
    environment = os.environ | {"TMPDIR": str(folder), "COLUMNS": "100"}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment,
        timeout=100,
        cwd=REPOSITORY_ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def processes_in(folder: Path) -> list[str]:
    """The command lines of all processes that name a folder in their arguments or environment."""
    mentions = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = ((process / name).read_bytes() for name in ("cmdline", "environ"))
        except OSError:
            continue  # it has ended
        if str(folder).encode() in command + environment:
            mentions.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return mentions


@pytest.mark.timeout(120)
def test_it_shows_the_invoice_as_a_table_and_leaves_nothing_running(tmp_path: Path) -> None:
    """10.00 a month, two of four calls at 0.50, and 19 %: 13.09 euros, as the guide says."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in run(tmp_path).stdout.splitlines()]
    assert ["Invoice INV-000001 (paid), 2026-01-01 to 2026-02-01"] in rows
    assert ["above 2", "2", "0.50", "1.00"] in rows
    assert [["subtotal", "11.00"], ["tax", "2.09"], ["total", "13.09"]] == rows[-6:-3]
    assert processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(240)
def test_in_a_folder_it_is_json_for_machines_and_the_same_invoice_every_time(tmp_path: Path) -> None:
    """Standard output is one JSON document; each command has a key, so a second run repeats nothing."""
    first, again = (
        json.loads(run(tmp_path, "--json", "--folder", str(tmp_path / "kept")).stdout) for _ in range(2)
    )
    assert first == again
    assert (first["number"], first["status"]) == ("INV-000001", "paid")
    assert first["total"] == {"minor": 1309, "amount": "13.09", "currency": "EUR"}
    assert (tmp_path / "kept" / "state.json").exists()


def test_its_steps_fit_on_one_page() -> None:
    """A newcomer reads the whole of it."""
    assert len(Path(quickstart.__file__).read_text(encoding="utf-8").splitlines()) <= 50
