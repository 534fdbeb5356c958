"""`tollhouse verify` shows on a terminal what it does, and nothing of it elsewhere."""

import io
import sys

import pytest
from rich.console import Console

from tollhouse.cli.verify import progress_line


@pytest.mark.parametrize("visible", [True, False])
def test_progress_is_one_line_on_standard_error_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, visible: bool
) -> None:
    """Not with --json, and not in a file."""
    screen = io.StringIO()
    monkeypatch.setattr(
        sys.modules[progress_line.__module__], "errors", Console(file=screen, force_terminal=True, width=100)
    )
    with progress_line(visible=visible) as progress:
        progress("events of invoicing read: 12,000")
    assert ("verify: events of invoicing read: 12,000" in screen.getvalue()) == visible
