"""Every interface reads an instant by the same rule: with offset, and cut to the microsecond."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from projections.graphql.row_types import SCALARS
from services.ingest.events.usage_event import CloudEvent, ParsedEvent
from services.ingest.formats.cloudevents_json import read_batch, read_single
from shared.framework.core.instants import parse_instant
from shared.framework.http.field_types import Instant

_FIELD: TypeAdapter[datetime] = TypeAdapter(Instant)
_DATE_TIME = SCALARS[datetime].parse_value
assert _DATE_TIME is not None


def _event(time: str, *, escaped: bool = False) -> bytes:
    body = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "subject": "x", "time": time}
    text = json.dumps(body)
    return (text.replace("9", "\\u0039") if escaped else text).encode()


def _time_of(events: Sequence[ParsedEvent]) -> datetime:
    (event,) = events
    if not isinstance(event, CloudEvent) or event.time is None:
        raise ValueError(event)
    return event.time


INTERFACES: dict[str, Callable[[str], datetime]] = {
    "every parser": parse_instant,
    "REST bodies and query parameters": _FIELD.validate_python,
    "GraphQL arguments": _DATE_TIME,
    "usage events, one": lambda text: _time_of(read_single(_event(text))),
    "usage events, in a batch": lambda text: _time_of(read_batch(b"[" + _event(text) + b"]")),
    "usage events, escaped": lambda text: _time_of(read_batch(b"[" + _event(text, escaped=True) + b"]")),
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_seconds = st.integers(0, 6 * 10**9).map(lambda seconds: _EPOCH + timedelta(seconds=seconds))
_offsets = st.sampled_from(["Z", "z", "+00:00", "-00:00", "+05:45", "-0330", "+14:00"])


@pytest.mark.parametrize("interface", INTERFACES)
@given(
    second=_seconds, digits=st.text("0123456789", max_size=30), offset=_offsets, sep=st.sampled_from("Tt ")
)
def test_an_instant_is_cut_to_the_microsecond_and_never_rounded_up(
    interface: str, second: datetime, digits: str, offset: str, sep: str
) -> None:
    """The instant read is at most the one sent, by less than a microsecond."""
    text = f"{second:%Y-%m-%d}{sep}{second:%H:%M:%S}{'.' if digits else ''}{digits}{offset}"
    read = INTERFACES[interface](text)
    minutes = 0 if len(offset) == 1 else int(offset[1:3]) * 60 + int(offset[-2:])
    sent_second = second - timedelta(minutes=-minutes if offset[0] == "-" else minutes)
    past = (read - sent_second) // timedelta(microseconds=1)
    assert 0 <= Fraction(int(digits or 0), 10 ** len(digits)) * 10**6 - past < 1


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T00:00:00",
        "2026-01-31T00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:59:60Z",
        "2026-02-30T00:00:00Z",
        "2026-01-31T00:00:00,5Z",
        "2026-01-31T00:00:00.Z",
        "20260131T000000Z",
        "2026-W05-6T00:00:00Z",
        "2026-01-31T00:00:00+24:00",
        "2026-01-31T00:00:00.1234567+1",
        "0000-01-01T00:00:00Z",
        "1769817600",
    ],
)
def test_what_is_no_instant_is_refused_by_every_interface(interface: str, text: str) -> None:
    """No day, no local time, no leap second and no other notation of ISO 8601."""
    with pytest.raises(Exception, match=r".") as caught:
        INTERFACES[interface](text)
    assert (
        isinstance(caught.value, ValueError) or type(caught.value).__name__ == "StrawberryInputCoercionError"
    )
