"""Redaction of secrets in logs, by their form and by the name of their field.

Every repetition in a pattern is bounded, since logged text may come from clients.
"""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
TEXT_MAX = 16 * 1024
"""Maximum length of a logged text in characters; of a longer one the beginning and the end are kept."""

_SHAPES = re.compile(
    r"(?<![\w-])eyJ[\w-]{8,8192}\.[\w-]{8,8192}\.[\w-]{0,2048}"  # a JSON web token
    r"|th_live_\w{1,512}"  # an API key
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.{0,8192}?-----END [A-Z ]{0,30}PRIVATE KEY-----",
    re.DOTALL,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s{1,8}[\w.~+/=-]{8,8192}")
_IN_URL = re.compile(r"\b([a-z][\w+.-]{0,20}://[^/\s:@\"]{0,256}:)[^@\s/\"]{1,256}@")
_SENSITIVE_KEYS = r"(?:password|passwd|secret|api[_-]?key|authorization|private[_-]?key)"
_NAME = re.compile(_SENSITIVE_KEYS, re.IGNORECASE)
_NAMED_VALUE = re.compile(
    rf"(?is)({_SENSITIVE_KEYS}[\w-]{{0,32}}\\*[\"']?\s{{0,8}}[:=]\s{{0,8}})"
    r"(?:(?P<quote>\\*[\"']).{0,2048}?(?<!\\)(?P=quote)|[^\s,;&\"'\\{}\[\]()]{1,2048})"
)


def redact_json(value: Any) -> Any:
    """A JSON value in which all strings, and the values of fields with secret names, are redacted."""
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {str(name): _field(str(name), part) for name, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redact_json(part) for part in value]
        case _:
            return redact_text(str(value))


def redact_text(text: str) -> str:
    """The text without tokens, keys, passwords in URLs, and values that follow a secret name."""
    if len(text) > TEXT_MAX:
        text = f"{text[: TEXT_MAX // 2]} ... {text[-TEXT_MAX // 2 :]}"
    text = _IN_URL.sub(rf"\1{REDACTED}@", _SHAPES.sub(REDACTED, text))
    return _NAMED_VALUE.sub(_without_value, _BEARER.sub(rf"\1 {REDACTED}", text))


def _field(name: str, value: Any) -> Any:
    return REDACTED if value is not None and _NAME.search(name) else redact_json(value)


def _without_value(found: re.Match[str]) -> str:
    quote = found["quote"] or ""
    return f"{found[1]}{quote}{REDACTED}{quote}"
