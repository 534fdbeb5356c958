"""The value at a path of a usage event's data, and its canonical text, which decides what is equal."""

import re
from decimal import Decimal
from typing import Any

from shared.billing.money import EXACT

DIMENSION_LENGTH_MAX = 256
"""Characters of a dimension's text."""

PATH_RULE = (
    "1 to 8 names joined by dots, such as a.b or $.a.b, each of 1 to 64 characters without "
    "control characters and $ @ * ? [ ] ( ) ' \" \\"
)
_NAME = r"[^.$@*?\[\]()'\"\\\x00-\x1f\x7f]{1,64}"
_PATH = re.compile(rf"{_NAME}(\.{_NAME}){{0,7}}")
_JSON_NAME = _NAME.replace(r"\x00-\x1f\x7f", r"\u0000-\u001f\u007f")
PATH_PATTERN = rf"^(\$\.)?{_JSON_NAME}(\.{_JSON_NAME}){{0,7}}$"
"""PATH_RULE as a pattern of JSON Schema."""


def plain_path(path: str) -> str | None:
    """The dotted names of a path: of JSONPath a leading `$.` is understood. None if it breaks PATH_RULE."""
    plain = path.removeprefix("$.")
    return plain if _PATH.fullmatch(plain) else None


def path_names(path: str) -> tuple[str, ...]:
    """The names of a path. Old meters may have paths that break PATH_RULE: they are split at their dots."""
    return tuple((plain_path(path) or path).split("."))


def value_at(data: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of nested objects; None if there is none, and for JSON null."""
    for name in path:
        if type(data) is not dict:
            return None
        data = data.get(name)
    return data


def canonical_text(value: Any) -> str | None:
    """The text by which values are compared: values are equal if and only if their texts are.

    A text is itself, a number its shortest decimal without exponent (1, 1.0 and 1e0: `1`), true and false
    are those words, null and a missing value the empty text. None for objects and arrays, which have none.
    Numbers must have been decoded exactly (int, Decimal).
    """
    if type(value) is str:
        return value
    if value is None:
        return ""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    return _number_text(value) if type(value) is Decimal else None


def _number_text(number: Decimal) -> str:
    return format(EXACT.normalize(number), "f") if number else "0"


def dimension_of(value: Any) -> str | None:
    """The text of a value as a dimension; None if it has none, or one longer than DIMENSION_LENGTH_MAX."""
    text = canonical_text(value)
    return text if text is not None and len(text) <= DIMENSION_LENGTH_MAX else None
