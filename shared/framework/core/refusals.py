"""Refusals: commands or requests that are rejected, with a stable code and a kind."""

from enum import Enum
from typing import ClassVar


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

    The docstring of a class is its public title (RFC 9457), the argument the detail.
    """

    code: ClassVar[str]
    kind: ClassVar[RefusalKind]

    @property
    def title(self) -> str:
        """The first line of the docstring of the class."""
        return (type(self).__doc__ or self.code).strip().splitlines()[0]


class ImpossibleHistory(Exception):
    """An event cannot have happened in the state before it: a defect or tampering, never bad input."""
