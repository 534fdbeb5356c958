"""The audit fails on findings and errors, and says where it could not ask; the database is a stand-in."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.security.audit_requirements import LOCKS, audit

FINDING = {
    "id": "GHSA-test",
    "summary": "Reads what it should not.",
    "published": "2026-01-01T00:00:00Z",
    "affected": [{"package": {"name": "colourful", "ecosystem": "PyPI"}, "versions": ["1.0"]}],
}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "lock.txt"
    file.write_text(f"colourful==1.0 --hash=sha256:{'0' * 64}\n")
    return file


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a vulnerability database that gives the parametrized (status, answer) to every question."""
    status, answer = request.param

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


@pytest.mark.parametrize("database", [(200, {"vulns": [FINDING]})], indirect=True)
def test_a_known_vulnerability_fails(database: str, lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit([lock], "--osv-url", database) == 1
    assert "GHSA-test" in capsys.readouterr().out


@pytest.mark.parametrize("database", [(200, {})], indirect=True)
def test_requirements_without_one_pass(database: str, lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit([lock], "--osv-url", database) == 0
    assert "No known vulnerabilities found" in capsys.readouterr().out


@pytest.mark.parametrize("database", [(500, {})], indirect=True)
def test_an_answer_that_is_an_error_fails(
    database: str, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit([lock], "--osv-url", database) != 0
    assert "SKIPPED" not in capsys.readouterr().out


def test_a_lock_without_hashes_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lock.txt"
    file.write_text("colourful==1.0\n")
    assert audit([file], "--osv-url", "http://127.0.0.1:1/") != 0
    assert "SKIPPED" not in capsys.readouterr().out


@pytest.mark.timeout(15)
def test_without_network_it_says_that_nothing_was_audited(capsys: pytest.CaptureFixture[str]) -> None:
    """All real locks are read, and the first question ends it."""
    assert audit(LOCKS, "--osv-url", "http://127.0.0.1:1/") == 0
    assert "SKIPPED, nothing was audited" in capsys.readouterr().out
