import io
import json
import logging
from typing import Any

import pytest

from shared.framework.observability.logging import JsonLinesFormatter, correlation_id, logged_as
from shared.framework.observability.redaction import redact_text


class Written:
    def __init__(self) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(JsonLinesFormatter("ingest"))
        self.logger = logging.Logger("tollhouse.test")  # noqa: LOG001 - outside of the tree, so that no test hears another
        self.logger.addHandler(handler)

    @property
    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.stream.getvalue().splitlines()[-1])
        return line


@pytest.fixture
def written() -> Written:
    return Written()


def test_a_line_says_for_whom_and_in_which_request(written: Written) -> None:
    """Inside the block, and not after it."""
    with logged_as(correlation="req_1"), logged_as(tenant="acme"):
        assert correlation_id() == "req_1"
        written.logger.info("counted %d", 3, extra={"events": 3})
    line = written.last
    assert (line["correlation_id"], line["tenant"], line["service"]) == ("req_1", "acme", "ingest")
    assert (line["message"], line["level"], line["events"]) == ("counted 3", "info", 3)
    written.logger.info("later")
    assert not {"correlation_id", "tenant"} & set(written.last)


def test_one_record_is_one_line_whatever_is_in_it(written: Written) -> None:
    """Nobody can forge a second line with a line break, nor stop logging with half a surrogate."""
    written.logger.info("a\n{}\ud800", extra={"odd": {1, 2}})
    assert len(written.stream.getvalue().splitlines()) == 1
    assert written.last["message"].startswith("a\n{}")


def test_an_error_is_told_with_its_cause(written: Written) -> None:
    """The whole traceback, in one field."""
    try:
        raise ValueError("no such thing")
    except ValueError:
        written.logger.exception("it failed")
    assert "ValueError: no such thing" in written.last["error"]


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",  # pragma: allowlist secret
        "th_live_k1_0123456789abcdef0123456789abcdef_0a1b2c3d",
    ],
)
def test_tokens_and_keys_are_blacked_out_by_their_shape(secret: str, written: Written) -> None:
    """Wherever they stand."""
    written.logger.warning("got %s", secret, extra={"header": f"Bearer {secret}", "deep": {"a": [secret]}})
    assert secret not in written.stream.getvalue()
    assert written.last["message"] == "got [redacted]"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("postgresql://app:hunter2@db:5432/x", "postgresql://app:[redacted]@db:5432/x"),
        # pragma: allowlist nextline secret
        ('{"password": "hun\\"ter2", "user": "u"}', '{"password": "[redacted]", "user": "u"}'),
        ('{"client_secret":"hunter2"}', '{"client_secret":"[redacted]"}'),
        ("password=hunter2 user=u", "password=[redacted] user=u"),
        ("Authorization: Basic dXNlcjpodW50ZXIy", "Authorization: [redacted] [redacted]"),
        ("{'password': 'hunter2', 'user': 'u'}", "{'password': '[redacted]', 'user': 'u'}"),
        (r'{"sent": "{\"x-api-key\": \"hunter2\"}"}', r'{"sent": "{\"x-api-key\": \"[redacted]\"}"}'),
        (
            "nothing to hide: 12 events at http://host:80/path",
            "nothing to hide: 12 events at http://host:80/path",
        ),
    ],
)
def test_secrets_are_blacked_out_by_where_they_stand(line: str, shown: str) -> None:
    """And the line stays readable, JSON stays JSON."""
    assert "hunter2" not in redact_text(line)
    assert "dXNlc" not in redact_text(line)
    if line.startswith('{"'):
        json.loads(redact_text(line))
    assert redact_text(line) == shown


@pytest.mark.parametrize(
    "extra",
    [
        {"api_key": ["hunter2"]},
        {"db_password": {"value": "hunter2"}},
        {"sent": {"client_secret": 7, "deep": [{"Authorization": "hunter2"}]}},
        {"sent": json.dumps({"again": json.dumps({"password": "hunter2"})})},
        {"cause": repr({"secret": "hunter2"})},
        {"cause": ValueError("password=hunter2")},
    ],
)
def test_a_secret_is_blacked_out_however_deep_and_the_line_stays_json(
    extra: dict[str, Any], written: Written
) -> None:
    """A line that is no JSON is lost to whoever collects it; a secret in one is lost to everybody."""
    written.logger.warning("password=hunter2", extra=extra)
    assert "hunter2" not in written.stream.getvalue()
    assert written.last["level"] == "warning"


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "bait",
    # pragma: allowlist nextline secret
    ["a-", "password", "x://", "eyJ", "secret='", "-----BEGIN PRIVATE KEY-----", "a"],
)
def test_no_text_makes_logging_slow(bait: str, written: Written) -> None:
    """Whoever sends a long odd text must not stop the process that tells of it; it is told in part."""
    for _ in range(10):
        written.logger.warning(bait * (1_000_000 // len(bait)))
    assert len(written.stream.getvalue()) < 1_000_000
