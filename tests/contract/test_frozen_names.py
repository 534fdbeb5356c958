"""Persisted and public names change on purpose or not at all."""

import pytest

from tests.contract.frozen_names import Names, accepted_names, difference, frozen_names

HOW = (
    "Persisted names never change. If a new or changed name is meant, run"
    " `python -m tests.contract.frozen_names`, read the difference,"
    " and list a changed public name in CHANGELOG.md.\n"
)


@pytest.fixture(scope="module")
def current() -> Names:
    return frozen_names()


def test_every_persisted_and_public_name_is_as_in_the_golden_file(current: Names) -> None:
    changed = difference(accepted_names(), current)
    assert not changed, f"names changed:\n{changed}\n{HOW}"


def test_no_kind_of_name_is_empty(current: Names) -> None:
    """A collector that finds nothing would compare equal for ever."""
    assert [section for section, found in current.items() if not found] == []


def test_a_difference_says_which_name_is_gone_and_which_is_new() -> None:
    before = {"topics": ["a", "b"], "codes": ["same"]}
    after = {"topics": ["b", "c"], "codes": ["same"]}
    assert difference(before, after) == "topics\n  - a\n  + c"
    assert difference(before, before) == ""
