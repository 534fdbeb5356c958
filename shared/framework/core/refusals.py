"""Refusals: commands or requests that are rejected, with a stable code and a kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import ClassVar

FieldPath = tuple[str | int, ...]
"""The place of a value in a request: names of members and indexes of lists, outermost first."""


class RefusalKind(Enum):
    """The kind of a refusal; HTTP maps each kind to a status (http/problem.py)."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNPROCESSABLE = "unprocessable"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"


class Refusal(Exception):
    """Base class of refusals. The class name is a sentence, such as InvoiceIsEmpty.

    The docstring of a class is its public title (RFC 9457), the argument the detail. `reference_to`: for a
    command that names something that another context, the one of this name, has written: it may just not
    have been received yet, so a command is decided once more after waiting for that context's events.
    """

    code: ClassVar[str]
    kind: ClassVar[RefusalKind]
    reference_to: ClassVar[str | None] = None
    field: FieldPath = ()
    """The field of the command that is refused; empty: not one field."""

    @property
    def title(self) -> str:
        """The first line of the docstring of the class."""
        return (type(self).__doc__ or self.code).strip().splitlines()[0]


class ValueIsInvalid(ValueError):
    """A value that cannot be read, with the place of the part that is wrong."""

    def __init__(self, message: str, field: FieldPath = ()) -> None:
        """`message` is for people; `field` counts from the value that was read."""
        super().__init__(message)
        self.field = field


@contextmanager
def in_field(*path: str | int) -> Iterator[None]:
    """Put `path` before the field of what is refused inside: `with in_field("charges", 0): ...`."""
    try:
        yield
    except (Refusal, ValueIsInvalid) as error:
        error.field = (*path, *error.field)
        raise


class ImpossibleHistory(Exception):
    """An event cannot have happened in the state before it: a defect or tampering, never bad input."""
