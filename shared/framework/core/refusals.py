"""How the house says no: a code for machines, a sentence for people, a kind for whoever transports it."""

from enum import Enum
from typing import ClassVar


class RefusalKind(Enum):
    """What sort of no it is; transports map kinds, never single refusals."""

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
    """A fact as a sentence: the docstring is the title, the argument says what it was about."""

    code: ClassVar[str]
    kind: ClassVar[RefusalKind]

    @property
    def title(self) -> str:
        """The first line of the docstring."""
        return (type(self).__doc__ or self.code).strip().splitlines()[0]


class ImpossibleHistory(Exception):
    """A stored event met a state in which it cannot have happened: a defect or tampering, never input."""
