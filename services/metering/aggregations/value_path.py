"""Reading one value out of an event's data, and spelling it where a text is needed."""

from decimal import Decimal
from typing import Any

TEXT_LENGTH_MAX = 256


def value_at(data: Any, path: tuple[str, ...]) -> Any:
    """The value at a path into nested objects; None where there is none (JSON null is none too)."""
    for name in path:
        if type(data) is not dict:
            return None
        data = data.get(name)
    return data


def text_of(value: Any) -> str | None:
    """How a value is written as a dimension or compared with a filter: nothing is the empty text.

    None for what has no such text: objects, arrays, and texts of more than 256 characters.
    """
    if type(value) is str:
        return value if len(value) <= TEXT_LENGTH_MAX else None
    if value is None:
        return ""
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) in (int, Decimal) else None
