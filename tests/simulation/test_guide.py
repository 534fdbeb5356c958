"""The example of CONTRIBUTING.md adds a capability to the world by one file, and its check can fail."""

import re
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.capability import Capability, discovered
from tests.simulation.lives import plan_of, run

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
NAME = "tests.simulation.capabilities.notes"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Capability:
    """The example as a module of the folder."""
    [example] = re.findall(
        r"```python simulation-capability\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    module = types.ModuleType(NAME)
    monkeypatch.setitem(sys.modules, NAME, module)
    exec(compile(example, NAME, "exec"), vars(module))  # the page's own code
    capability = module.CAPABILITY
    assert isinstance(capability, Capability)
    return capability


def test_the_guides_capability_is_lived_and_holds(written: Capability) -> None:
    capabilities = [*discovered(), written]
    outcome = run(plan_of(7, capabilities), capabilities)
    assert outcome.violation is None
    assert sum("notes.write(" in line for line in outcome.story) == 5


def test_its_check_finds_what_it_is_there_for(written: Capability) -> None:
    def fails(_: object) -> list[str]:
        return ["note c0 is lost"]

    capabilities = [*discovered(), replace(written, checks={"notes": fails})]
    assert run(plan_of(7, capabilities), capabilities).violation == "notes: note c0 is lost"


def test_every_file_of_the_folder_is_a_capability() -> None:
    """A file is found by itself: nothing else has to name it."""
    files = {path.stem for path in Path(str(PAGE.parent)).glob("tests/simulation/capabilities/[!_]*.py")}
    assert files == {capability.name for capability in discovered()}
