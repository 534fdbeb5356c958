"""The value at a path of an event's data, and its text."""

from decimal import Decimal
from typing import Any

TEXT_LENGTH_MAX = 256


def value_at(data: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of nested objects; None if there is none, and for JSON null."""
    for name in path:
        if type(data) is not dict:
            return None
        data = data.get(name)
    return data


def text_of(value: Any) -> str | None:
    """The text of a value as a dimension and for filters; a missing value has the empty text.

    None for what has no such text: objects, arrays, and texts of more than 256 characters.
    """
    if type(value) is str:
        return value if len(value) <= TEXT_LENGTH_MAX else None
    if value is None:
        return ""
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) in (int, Decimal) else None
