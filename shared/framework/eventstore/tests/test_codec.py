"""Events become bytes and come back the same; damaged bytes say so; old shapes are lifted."""

from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.framework.core.event import Event
from shared.framework.eventstore.contracts import (
    BATCH_BYTES_MAX,
    Contracts,
    EventIsNotRegistered,
    EventIsUnreadable,
    by_wire_name,
    compress,
    encode,
)
from shared.framework.testing.store_examples import EXAMPLES, NoteTaken, registered

NAME = "subscriptions.note.taken.v1"


def test_an_unknown_name_is_none_not_an_error() -> None:
    """A newer release may tell facts that this one does not know: they are ignored."""
    assert EXAMPLES.decode("subscriptions.customer.forgotten.v9", b"{}") is None


@settings(max_examples=50, deadline=None)
@given(cut=st.integers(0, 50))
def test_a_torn_event_is_unreadable(cut: int) -> None:
    """A prefix of an event never is an event."""
    with pytest.raises(EventIsUnreadable):
        EXAMPLES.decode(NAME, encode(registered())[:cut])


def test_a_bomb_is_not_unpacked() -> None:
    """A few bytes that would become more than any batch may be."""
    bomb = compress(b"0" * (BATCH_BYTES_MAX + 1))
    nameless = zstandard.ZstdCompressor(write_content_size=False).compress(b"{}")
    for state in (bomb, nameless):
        with pytest.raises(EventIsUnreadable, match="larger"):
            EXAMPLES.decode(NAME, state)


def test_a_deeply_nested_text_is_unreadable() -> None:
    """It runs into the parser's limit, which is no crash of ours."""
    with pytest.raises(EventIsUnreadable):
        EXAMPLES.decode(NAME, b'{"x":' + b"[" * 100_000)


@pytest.mark.parametrize("compressed", [False, True])
def test_an_old_shape_is_lifted_to_the_newest(compressed: bool) -> None:
    """What was written before notes had a text reads as one without; the stored bytes stay as they are."""

    def without_text(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "text": ""}

    contracts = Contracts(
        {NAME: NoteTaken}, {}, upcasters={"subscriptions.note.taken.v0": (NAME, without_text)}
    )
    old = msgspec.json.decode(encode(registered()))
    del old["text"]
    state = msgspec.json.encode(old)
    lifted = contracts.decode("subscriptions.note.taken.v0", compress(state) if compressed else state)
    assert lifted == msgspec.structs.replace(registered(), text="")


def test_an_upcaster_that_forgets_a_field_is_loud() -> None:
    """A half lifted event must not be folded."""
    contracts = Contracts({NAME: NoteTaken}, {}, upcasters={"old": (NAME, lambda old: old)})
    with pytest.raises(EventIsUnreadable, match="missing required field"):
        contracts.decode("old", b"{}")


def test_an_upcaster_to_a_name_that_is_not_registered_is_refused_at_start() -> None:
    """It would be found at the first old event otherwise."""
    with pytest.raises(EventIsNotRegistered, match="newest"):
        Contracts({NAME: NoteTaken}, {}, upcasters={"old": ("newest", lambda old: old)})


class Stranger(Event, frozen=True, kw_only=True):
    """A class that no contracts know."""

    wire_name = "subscriptions.stranger.seen.v1"


class Impostor(Event, frozen=True, kw_only=True):
    """A class that claims the wire name of another."""

    wire_name = NAME


@pytest.mark.parametrize("event", [Stranger(), Impostor()])
def test_an_event_that_could_not_be_read_back_is_not_encoded(event: Event) -> None:
    """Its bytes would be stored, and silently left out of every later load."""
    with pytest.raises(EventIsNotRegistered, match=type(event).__name__):
        EXAMPLES.encode(event)


def test_a_wire_name_belongs_to_one_class() -> None:
    """The second claim is refused."""
    with pytest.raises(ValueError, match="Impostor"):
        by_wire_name([NoteTaken, Impostor])
