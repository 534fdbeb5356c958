"""Events become bytes and come back the same; damaged bytes say so; old shapes are lifted."""

from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.billing.contracts import EVENTS
from shared.framework.core.event import Event
from shared.framework.eventstore import codec
from shared.framework.eventstore.codec import BATCH_BYTES_MAX, EventIsUnreadable, compress, decode, encode
from shared.framework.testing.any_event import any_event
from shared.framework.testing.store_examples import registered

NAME = "subscriptions.customer.registered.v1"


@pytest.mark.parametrize("wire_name", sorted(EVENTS))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_event_comes_back_as_it_was(wire_name: str, data: st.DataObject) -> None:
    """And the same event is always the same bytes, so histories can be compared by digest."""
    event = data.draw(any_event(EVENTS[wire_name]))
    state = encode(event)
    assert decode(wire_name, state) == event
    assert encode(event) == state


def test_an_unknown_name_is_none_not_an_error() -> None:
    """A newer release may tell facts that this one does not know: they are ignored."""
    assert decode("subscriptions.customer.forgotten.v9", b"{}") is None


@settings(max_examples=200, deadline=None)
@given(wire_name=st.sampled_from(sorted(EVENTS)), state=st.binary(max_size=60))
def test_any_damage_is_told_as_damage(wire_name: str, state: bytes) -> None:
    """Whatever the bytes are: one kind of error, so a consumer can park the message."""
    with pytest.raises(EventIsUnreadable):
        decode(wire_name, state)


@settings(max_examples=50, deadline=None)
@given(cut=st.integers(0, 80))
def test_a_torn_event_is_unreadable(cut: int) -> None:
    """A prefix of an event never is an event."""
    with pytest.raises(EventIsUnreadable):
        decode(NAME, encode(registered())[:cut])


def test_a_bomb_is_not_unpacked() -> None:
    """A few bytes that would become more than any batch may be."""
    bomb = compress(b"0" * (BATCH_BYTES_MAX + 1))
    nameless = zstandard.ZstdCompressor(write_content_size=False).compress(b"{}")
    for state in (bomb, nameless):
        with pytest.raises(EventIsUnreadable, match="larger"):
            decode("ingest.usage.recorded.v1", state)


def test_a_deeply_nested_text_is_unreadable() -> None:
    """It runs into the parser's limit, which is no crash of ours."""
    with pytest.raises(EventIsUnreadable):
        decode("ingest.usage.recorded.v1", b'{"x":' + b"[" * 100_000)


@pytest.mark.parametrize("compressed", [False, True])
def test_an_old_shape_is_lifted_to_the_newest(monkeypatch: pytest.MonkeyPatch, compressed: bool) -> None:
    """What was written before customers had zones reads as one in UTC; the stored bytes stay as they are."""

    def in_utc(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "time_zone": "UTC"}

    monkeypatch.setitem(codec.UPCASTERS, "subscriptions.customer.registered.v0", (NAME, in_utc))
    old = msgspec.json.decode(encode(registered()))
    del old["time_zone"]
    state = msgspec.json.encode(old)
    lifted = decode("subscriptions.customer.registered.v0", compress(state) if compressed else state)
    assert isinstance(lifted, Event)
    assert lifted == msgspec.structs.replace(registered(), time_zone="UTC")


def test_an_upcaster_that_forgets_a_field_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    """A half lifted event must not be folded."""
    monkeypatch.setitem(codec.UPCASTERS, "old", (NAME, lambda old: old))
    with pytest.raises(EventIsUnreadable, match="missing required field"):
        decode("old", b"{}")
