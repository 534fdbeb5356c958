"""Identifiers: readable, stable, and sorted as what they spell."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.framework.core.ids import NAMESPACE, derived_id, format_id, has_prefix, partition_of, slot_of

uuids = st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number))


@given(uuids, uuids)
def test_the_text_sorts_as_the_uuid_does(one: UUID, other: UUID) -> None:
    """So ids made later sort later (UUIDv7), and two never share a spelling."""
    assert (format_id("inv", one) < format_id("inv", other)) == (one < other)
    assert (format_id("inv", one) == format_id("inv", other)) == (one == other)


def test_the_same_causes_give_the_same_id_for_ever() -> None:
    """Pinned: stored histories and redelivered facts depend on it."""
    assert derived_id("cus", "acme", "42") == "cus_7adf8whjkgbq0rq0nhj7wp4t4j"
    assert derived_id("cus", "acme", "42")[4:] != derived_id("plan", "acme", "42")[5:]


@given(st.lists(st.text("ab", max_size=2), max_size=3), st.lists(st.text("ab", max_size=2), max_size=3))
def test_other_causes_give_another_id(one: list[str], other: list[str]) -> None:
    """Neither a shift of letters between causes nor an empty cause makes two of them the same."""
    assert (derived_id("x", *one) == derived_id("x", *other)) == (one == other)


@given(st.text("ab\x1f", min_size=1), st.integers(0, 9), st.integers(0, 9))
def test_causes_that_contain_the_separator_do_not_run_together(text: str, some: int, more: int) -> None:
    """The same characters, cut into causes at fewer or more separators."""
    one, other = text.split("\x1f", some), text.split("\x1f", more)
    assert (derived_id("x", *one) == derived_id("x", *other)) == (one == other)


@given(st.lists(st.text().filter(lambda cause: "\x1f" not in cause), max_size=4))
def test_causes_without_the_separator_give_the_id_that_they_always_gave(causes: list[str]) -> None:
    """It names streams that are stored."""
    assert derived_id("x", *causes) == format_id("x", uuid5(NAMESPACE, "\x1f".join(("x", *causes))))


def test_an_id_of_another_kind_is_seen_before_its_stream_is_read() -> None:
    """A subscription's history must never be folded as a customer."""
    assert has_prefix("cus", "cus_123")
    assert not has_prefix("cus", "sub_123")
    assert not has_prefix("cus", "customer")
    assert not has_prefix("cus", "cus")


@given(st.text(), st.integers(1, 64))
def test_a_key_always_falls_into_one_partition(key: str, partitions: int) -> None:
    """Slots are 0..1023, and a partition exists for each."""
    assert 0 <= slot_of(key) < 1024
    assert 0 <= partition_of(slot_of(key), partitions) < partitions


def test_the_slot_of_a_key_never_changes() -> None:
    """Pinned: it is stored with every event, and decides who reads it."""
    assert [slot_of(key) for key in ("", "acme", "inv_1")] == [510, 640, 715]
