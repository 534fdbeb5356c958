"""The published language may grow; what was once said must be readable for ever."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.billing.contracts import CONTEXTS, CONTRACTS, EVENTS, decode, events_of
from shared.billing.pricing import Price
from shared.framework.eventstore.contracts import EventIsUnreadable, encode, json_bytes
from shared.framework.testing.any_event import any_event
from tests.contract.samples import sample, sample_of

GOLDEN = Path(__file__).parent / "golden"
PRICES: list[type[msgspec.Struct]] = list(get_args(Price))
RELEASED = sorted(GOLDEN.glob("*.v*.json"))
"""One sample of each event, and another (`.r2.json`) each time that it got fields with defaults."""


def revisions_of(wire_name: str) -> list[Path]:
    """The golden samples of an event, the oldest first."""
    return [path for path in RELEASED if _wire_name(path) == wire_name]


def _wire_name(path: Path) -> str:
    return re.sub(r"\.r[0-9]+$", "", path.stem)


def extends(new: object, old: object) -> bool:
    """Whether a JSON value is another one with more members in its objects."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and extends(new[key], old[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(new) == len(old) and all(map(extends, new, old))
    return new == old


@pytest.mark.parametrize("wire_name", sorted(EVENTS))
def test_every_event_has_a_golden_sample_that_it_still_writes(wire_name: str) -> None:
    """A changed shape is a new wire name, and only a field with a default may be added.

    A new event or field writes a sample here once, to be committed.
    """
    revisions = revisions_of(wire_name)
    now = json_bytes(wire_name, encode(sample(EVENTS[wire_name])))
    newest = msgspec.json.decode(revisions[-1].read_bytes()) if revisions else None
    if newest == msgspec.json.decode(now):
        return
    assert newest is None or extends(msgspec.json.decode(now), newest), "its shape has changed"
    name = f"{wire_name}.r{len(revisions) + 1}.json" if revisions else f"{wire_name}.json"
    (GOLDEN / name).write_bytes(msgspec.json.format(now, indent=2) + b"\n")
    pytest.fail(f"{name} is new: read it, then commit it")


@pytest.mark.parametrize("model", PRICES, ids=lambda model: model.__struct_config__.tag)
def test_every_price_model_has_a_golden_sample_that_it_still_writes(model: type[msgspec.Struct]) -> None:
    """Prices are inside of events: a field that a model gets later needs a default, and none is renamed.

    A new model writes a sample here once, to be committed.
    """
    path = GOLDEN / "prices" / f"{model.__struct_config__.tag}.json"
    now = msgspec.json.encode(sample_of(model))
    if not path.exists():
        path.write_bytes(msgspec.json.format(now, indent=2) + b"\n")
        pytest.fail(f"{path.name} is new: read it, then commit it")
    golden = msgspec.json.decode(path.read_bytes())
    assert extends(msgspec.json.decode(now), golden), "its shape has changed"
    assert isinstance(msgspec.json.decode(path.read_bytes(), type=Price), model)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_every_event_ever_released_can_be_read(path: Path) -> None:
    """The golden samples of old versions stay, and are lifted to the newest shape."""
    body, wire_name = path.read_bytes(), _wire_name(path)
    current = CONTRACTS.upcasters[wire_name][0] if wire_name in CONTRACTS.upcasters else wire_name
    state = (
        body if wire_name in CONTRACTS.upcasters else encode(msgspec.json.decode(body, type=EVENTS[current]))
    )
    assert isinstance(decode(wire_name, state), EVENTS[current])


@pytest.mark.parametrize("wire_name", sorted(EVENTS))
def test_wire_names_say_context_thing_and_version(wire_name: str) -> None:
    """`<context>.<thing>.<participle>.v<n>`: written by hand, readable in any log."""
    assert re.fullmatch(r"[a-z]+\.[a-z-]+\.[a-z-]+\.v\d+", wire_name)


def test_no_two_events_share_a_wire_name() -> None:
    """A name that means two things would decode as either."""
    names = [event.wire_name for context in CONTEXTS for event in events_of(context)]
    assert sorted(names) == sorted(EVENTS)


@pytest.mark.parametrize("wire_name", sorted(EVENTS))
def test_readers_ignore_fields_that_they_do_not_know(wire_name: str) -> None:
    """An older reader must survive a newer writer during a rolling deploy."""
    event = sample(EVENTS[wire_name])
    fields = msgspec.json.decode(msgspec.json.encode(event)) | {"said_by_a_newer_release": 1}
    assert msgspec.json.decode(msgspec.json.encode(fields), type=EVENTS[wire_name]) == event


@pytest.mark.parametrize("wire_name", sorted(EVENTS))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_event_comes_back_as_it_was(wire_name: str, data: st.DataObject) -> None:
    """And the same event is always the same bytes, so histories can be compared by digest."""
    event = data.draw(any_event(EVENTS[wire_name]))
    state = encode(event)
    assert decode(wire_name, state) == event
    assert encode(event) == state


@settings(max_examples=200, deadline=None)
@given(wire_name=st.sampled_from(sorted(EVENTS)), state=st.binary(max_size=60))
def test_any_damage_is_told_as_damage(wire_name: str, state: bytes) -> None:
    """Whatever the bytes are: one kind of error, so a consumer can park the message."""
    with pytest.raises(EventIsUnreadable):
        decode(wire_name, state)
