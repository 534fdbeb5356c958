"""Which events are sound, and why the others are not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.events.usage_event import CloudEvent, InvalidEvent
from services.ingest.events.validation import RejectionCode
from services.ingest.formats.cloudevents_json import read_batch, read_single
from services.ingest.formats.refusals import TooManyEvents, UsageIsNotEvents, UsageIsNotJson
from services.ingest.tests.usage_events import body, event

HOSTILE: dict[RejectionCode, list[object]] = {
    RejectionCode.EVENT_IS_MALFORMED: [b"5", b"null", b'"text"', b"[]"],
    RejectionCode.ATTRIBUTE_IS_MISSING: [
        event(id=None),
        event(subject=None),
        event(source=None),
        event(type=None),
    ],
    RejectionCode.ATTRIBUTE_IS_INVALID: [event(id=""), event(id=7), event(subject="x" * 257), event(type=[])],
    RejectionCode.SPECVERSION_IS_UNSUPPORTED: [event(specversion="0.3")],
    RejectionCode.TIME_IS_INVALID: [
        event(time="2026-03-01T10:00:00"),
        event(time="yesterday"),
        event(time=5),
    ],
    RejectionCode.DATA_IS_NOT_AN_OBJECT: [
        event(data=[1]),
        event(data="x"),
        event(data=None, data_base64="aGk="),
    ],
    RejectionCode.DATA_IS_TOO_DEEP: [
        event(data={"a": [[[[[[[[]]]]]]]]}),
        event(data=json.loads('{"a":' * 9 + "1" + "}" * 9)),
    ],
    RejectionCode.NUMBER_IS_OUT_OF_BOUNDS: [
        body(event()).replace(b"1400", number)[1:-1]
        for number in (b"1e1000000", b"-1e400", b"1e-4000", b"9" * 41, b"9" * 5000, b'"1e1000000"', b'"NaN"')
    ],
    RejectionCode.KEY_IS_REPEATED: [
        body(event())[1:-1].replace(b'"subject"', b'"subject":"other","subject"'),
        body(event())[1:-1].replace(b'"subject"', b'"subject" :"other","subject" '),
        body(event())[1:-1].replace(b'"subject"', b'"\\u0073ubject":"other","subject"'),
        body(event(subject='a":b'))[1:-1].replace(b'"id"', b'"id":"e0","id"'),
        body(event())[1:-1].replace(b'"miles"', b'"miles":1,"miles"'),
        body(event(data={"a": [{"b": {"c": 1}}]}))[1:-1].replace(b'"c"', b'"c":0,"c"'),
        body(event(datacontenttype="application/json"))[1:-1].replace(
            b'"datac', b'"datacontenttype":"","datac'
        ),
    ],
    RejectionCode.TEXT_IS_NOT_STORABLE: [
        event(id="a\0b"),
        event(subject="tab\there"),
        event(source="\x7f"),
        event(subject="ac\u200bme"),
        event(subject="acme\u202e"),
        event(id="jose\u0301"),
        event(data={"tail": "a\0"}),
        event(data={"a\0": 1}),
        event(data={"list": [{"deep": "\0"}]}),
    ],
}


@pytest.mark.parametrize(
    ("reason", "bad"), [(reason, bad) for reason, all_bad in HOSTILE.items() for bad in all_bad]
)
def test_a_bad_event_is_rejected_for_its_reason_and_its_neighbours_are_not(
    reason: RejectionCode, bad: object
) -> None:
    """One machine with a broken clock must not cost the others their usage."""
    piece = bad if isinstance(bad, bytes) else body(bad)[1:-1]
    first, rejected, last = read_batch(
        body(event(id="a"))[:-1] + b"," + piece + b"," + body(event(id="b"))[1:]
    )
    assert isinstance(first, CloudEvent)
    assert isinstance(last, CloudEvent)
    assert (first.id, last.id) == ("a", "b")
    assert isinstance(rejected, InvalidEvent)
    assert rejected.rejection.reason is reason
    assert rejected.body == piece


@pytest.mark.parametrize("not_json", [b"", b"{", b'[{"miles":NaN}]', b"[1,]", b'["\\ud800"]', b"[" * 100_000])
def test_what_is_not_json_is_refused_as_a_whole(not_json: bytes) -> None:
    """There are no events in it that could be judged one by one."""
    with pytest.raises(UsageIsNotJson):
        read_batch(not_json)


@pytest.mark.parametrize("no_events", [b"[]", b"{}", b"5", b"null"])
def test_a_batch_is_an_array_with_something_in_it(no_events: bytes) -> None:
    """An empty batch is a mistake that is better told than answered with zero."""
    with pytest.raises(UsageIsNotEvents):
        read_batch(no_events)


def test_a_batch_holds_at_most_a_thousand_events() -> None:
    """A bound that clients can rely on, and that bounds a transaction."""
    assert len(read_batch(body(*[event()] * 1000))) == 1000
    with pytest.raises(TooManyEvents):
        read_batch(body(*[event()] * 1001))


def test_a_single_event_is_one_object_and_nothing_beside_it() -> None:
    """Two objects with a comma between them are no JSON, even if an array of them would be."""
    assert isinstance(read_single(body(event())[1:-1])[0], CloudEvent)
    with pytest.raises(UsageIsNotJson):
        read_single(body(event(), event())[1:-1])
    with pytest.raises(UsageIsNotEvents):
        read_single(body(event()))


def test_harmless_texts_pass() -> None:
    """Short hashes, long numbers as texts, other scripts, line breaks: they are somebody's names."""
    data = {"hash": "7e12345", "order": "9" * 30, "city": "Zürich", "note": "a\nb", "lat": 52.520006599999997}
    (offer,) = read_batch(body(event(data=data, subject="Zürich")))
    assert isinstance(offer, CloudEvent)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_at_all_break_the_reader(anything: bytes) -> None:
    """Whatever comes in is events, faults or a refusal, never an error of ours."""
    for read in (read_batch, read_single):
        try:
            assert read(anything)
        except (UsageIsNotJson, UsageIsNotEvents):
            continue


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_is_let_in_holds_no_nul_and_is_not_deep(data: dict[str, object]) -> None:
    """Postgres could not store the one, and the other would break whoever reads it."""
    raw = json.dumps([event(data=data)]).encode()
    try:
        (offer,) = read_batch(raw)
    except UsageIsNotJson:
        return  # half a surrogate pair
    if isinstance(offer, CloudEvent):
        assert b"\\u0000" not in raw
        assert _depth(data) <= 8


def _depth(value: object) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(_depth, parts), default=0)


KEYS = st.sampled_from(["a", "b", 'a":', "b :", "\\", '":"', "é"])
SPACE = st.sampled_from(["", " ", "\n", "\t "])


class Pairs(list[tuple[str, object]]):
    """A JSON object as it is written, with keys that may be repeated."""

    def repeats(self) -> bool:
        return len({key for key, _ in self}) < len(self) or any(_repeats(value) for _, value in self)


def _repeats(value: object) -> bool:
    return (
        value.repeats()
        if isinstance(value, Pairs)
        else any(map(_repeats, value if type(value) is list else ()))
    )


def pairs_of(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(st.tuples(KEYS, values), max_size=4).map(Pairs)


WRITTEN: st.SearchStrategy[object] = st.recursive(
    st.integers(-9, 9) | KEYS, lambda inner: st.lists(inner, max_size=3) | pairs_of(inner), max_leaves=6
)


def written(value: object, space: str, *, is_ascii: bool) -> str:
    """JSON with these spaces around each sign."""

    def write(part: object) -> str:
        if isinstance(part, Pairs):
            return "{" + comma.join(write(key) + colon + write(value) for key, value in part) + "}"
        if isinstance(part, list):
            return "[" + comma.join(map(write, part)) + "]"
        return json.dumps(part, ensure_ascii=is_ascii)

    comma, colon = f"{space},{space}", f"{space}:{space}"
    return write(value)


@given(
    pairs_of(WRITTEN),
    st.lists(st.sampled_from(["subject", "extra", "data"]), max_size=2),
    SPACE,
    st.booleans(),
)
def test_a_key_is_given_once_in_an_event(data: Pairs, more: list[str], space: str, is_ascii: bool) -> None:
    """Whatever else is written there, in whichever spelling: a repeated key is found, and none invented."""
    attributes = Pairs([*event().items(), *((name, event().get(name, "x")) for name in more)])
    attributes = Pairs((key, data if key == "data" else value) for key, value in attributes)
    raw = f"[{written(attributes, space, is_ascii=is_ascii)}]".encode()
    (offer,) = read_batch(raw)
    reason = offer.rejection.reason if isinstance(offer, InvalidEvent) else None
    if attributes.repeats():
        assert reason is RejectionCode.KEY_IS_REPEATED
    else:
        assert reason is None
