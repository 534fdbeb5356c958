"""A demo removes the folder of an earlier demo, and no other data."""

from pathlib import Path

from typer.testing import CliRunner

from tollhouse.cli import app
from tollhouse.cli.demo import MARKER, _clear
from tollhouse.installation_state import exclusive_lock


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    """`--folder` reads TOLLHOUSE_HOME too: it may be a real installation."""
    (tmp_path / "state.json").write_text("{}")
    done = CliRunner().invoke(app, ["demo", "--months", "1"], env={"TOLLHOUSE_HOME": str(tmp_path)})
    assert done.exit_code == 1
    assert (tmp_path / "state.json").read_text() == "{}"


def test_the_folder_of_an_earlier_demo_is_removed(tmp_path: Path) -> None:
    """The next one begins anew."""
    _clear(tmp_path / "demo")
    (tmp_path / "demo" / "state.json").write_text("{}")
    _clear(tmp_path / "demo")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == [MARKER]


def test_a_demo_that_runs_is_left_alone(tmp_path: Path) -> None:
    """Its servers would lose their data under them."""
    _clear(tmp_path / "demo")
    with exclusive_lock(tmp_path / "demo"):
        done = CliRunner().invoke(app, ["demo", "--folder", str(tmp_path / "demo")])
    assert done.exit_code == 1
    assert (tmp_path / "demo" / MARKER).is_file()
