"""Why a single event is not accepted: stable codes, told in the answer and kept with the event."""

from enum import StrEnum

import msgspec


class RejectionCode(StrEnum):
    """What clients may rely on; the words beside a reason may change, the reason does not."""

    EVENT_IS_MALFORMED = "event-malformed"
    ATTRIBUTE_IS_MISSING = "attribute-missing"
    ATTRIBUTE_IS_INVALID = "attribute-invalid"
    SPECVERSION_IS_UNSUPPORTED = "specversion-unsupported"
    TIME_IS_INVALID = "time-invalid"
    TIME_IS_IN_THE_FUTURE = "time-in-future"
    TIME_IS_TOO_OLD = "time-too-old"
    DATA_IS_NOT_AN_OBJECT = "data-not-object"
    DATA_IS_TOO_DEEP = "data-too-deep"
    NUMBER_IS_OUT_OF_BOUNDS = "number-out-of-bounds"
    TEXT_IS_NOT_STORABLE = "text-not-storable"
    ID_CONFLICTS = "id-conflict"


class Rejection(msgspec.Struct, frozen=True):
    """One reason why one event is not accepted, and where it was found."""

    reason: RejectionCode
    detail: str
