"""What must not be read in a log: blacked out by its shape and by the name it stands under.

Every pattern has a bound, for what is logged may be as long and as odd as whoever sent it likes.
"""

import re
from collections.abc import Mapping
from typing import Any

BLACKED_OUT = "[redacted]"
TEXT_MAX = 16 * 1024
"""Characters of one logged text; of longer ones the beginning and the end are kept."""

_SHAPES = re.compile(
    r"(?<![\w-])eyJ[\w-]{8,8192}\.[\w-]{8,8192}\.[\w-]{0,2048}"  # a JSON web token
    r"|th_live_\w{1,512}"  # an API key
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.{0,8192}?-----END [A-Z ]{0,30}PRIVATE KEY-----",
    re.DOTALL,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s{1,8}[\w.~+/=-]{8,8192}")
_IN_URL = re.compile(r"\b([a-z][\w+.-]{0,20}://[^/\s:@\"]{0,256}:)[^@\s/\"]{1,256}@")
_TELLING = r"(?:password|passwd|secret|api[_-]?key|authorization|private[_-]?key)"
_NAME = re.compile(_TELLING, re.IGNORECASE)
_NAMED = re.compile(
    rf"(?is)({_TELLING}[\w-]{{0,32}}\\*[\"']?\s{{0,8}}[:=]\s{{0,8}})"
    r"(?:(?P<quote>\\*[\"']).{0,2048}?(?<!\\)(?P=quote)|[^\s,;&\"'\\{}\[\]()]{1,2048})"
)


def redact_json(value: Any) -> Any:
    """The same, for JSON: values of fields whose names tell on them are gone, and texts are redacted."""
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
    """The text without tokens, keys, passwords in URLs, and what follows a name that tells on it."""
    if len(text) > TEXT_MAX:
        text = f"{text[: TEXT_MAX // 2]} ... {text[-TEXT_MAX // 2 :]}"
    text = _IN_URL.sub(rf"\1{BLACKED_OUT}@", _SHAPES.sub(BLACKED_OUT, text))
    return _NAMED.sub(_without_value, _BEARER.sub(rf"\1 {BLACKED_OUT}", text))


def _field(name: str, value: Any) -> Any:
    return BLACKED_OUT if value is not None and _NAME.search(name) else redact_json(value)


def _without_value(found: re.Match[str]) -> str:
    quote = found["quote"] or ""
    return f"{found[1]}{quote}{BLACKED_OUT}{quote}"
