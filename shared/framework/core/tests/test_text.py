"""Text that identifies something: what can be seen is accepted, in every script; nothing else is."""

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.framework.core.text import flaw_of_identifier, unprintable

VISIBLE = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1)
UNSEEN = st.characters(categories=["Cc", "Cs", "Co", "Zl", "Zp"]) | st.sampled_from(
    "\u00ad\u034f\u061c\u115f\u3164\u200b\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff\U000e0041\ufffe"
)


@pytest.mark.parametrize(
    "text",
    [
        "acme",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "a.user+tag@example.org",
        "org/1 (north)",
        "Jos\u00e9",
        "\u6771\u4eac\u90fd",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a NON-JOINER that it needs
        "\u0915\u094d\u200d\u0937",  # Devanagari, with a JOINER
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u2764\ufe0f",
        "\u1820\u180b",
    ],
)
def test_text_of_every_script_identifies(text: str) -> None:
    """Also with the joiners that a script needs, where it needs them."""
    assert flaw_of_identifier(text) is None


@pytest.mark.parametrize("text", ["ac\u200dme", "a\u200c", "\u200c\u0645", "a\ufe0f", "a\u180b", "1\ufe0e"])
def test_joiners_elsewhere_are_as_unseen_as_any(text: str) -> None:
    """Between Latin letters a joiner changes nothing but the bytes."""
    assert unprintable(text) is not None


@given(VISIBLE, UNSEEN, VISIBLE)
@example("ac", "\u200b", "me")
@example("a", "\x00", "b")
def test_a_text_with_something_unseen_identifies_nothing(before: str, unseen: str, after: str) -> None:
    """Wherever it stands, whatever is around it."""
    assert unprintable(before + unseen + after) is not None


@given(VISIBLE)
def test_what_can_be_seen_is_printable(text: str) -> None:
    """Of letters only the fillers of Hangul, and unassigned planes, are not."""
    assume(not set(text) & set("\u115f\u1160\u3164\uffa0"))
    assert unprintable(text) is None


@given(VISIBLE)
@example("Jose\u0301")
def test_one_text_has_one_spelling(text: str) -> None:
    """Of the spellings that Unicode calls equivalent, form C alone identifies."""
    if unprintable(text) is None:
        is_composed = unicodedata.normalize("NFC", text) == text
        assert (flaw_of_identifier(text) is None) == is_composed
