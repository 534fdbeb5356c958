"""Names of the product use the words of the glossary, and one name is one thing."""

import pytest

from tests.contract import glossary
from tests.contract.glossary import BannedWord, measured, recorded, snake_of, table

MEASURED = measured()


@pytest.mark.parametrize("kind", sorted(MEASURED))
def test_words_that_are_not_used_only_become_fewer(kind: str) -> None:
    """`python -m tests.contract.glossary` lowers the recorded counts to what is left."""
    allowed = recorded()[kind]
    more = {word: places for word, places in MEASURED[kind].items() if len(places) > allowed.get(word, 0)}
    assert more == {}


def test_only_words_of_the_glossary_are_counted() -> None:
    """A word that left the table would stay in the file for ever."""
    words = {banned.word for banned in glossary.banned_words()}
    assert set(recorded()) == set(MEASURED)
    assert set(recorded()["words in names"]) <= words
    assert set(recorded()["pronouns in docstrings"]) <= set(glossary.PRONOUNS)


def test_a_term_has_one_line_in_alphabetical_order() -> None:
    """With a meaning and a source."""
    rows = table("Glossary")
    terms = [row[0].casefold() for row in rows]
    assert len(terms) > 100
    assert terms == sorted(set(terms))
    assert [row for row in rows if len(row) != 3 or not all(row)] == []


def test_a_banned_word_has_one_line_and_a_replacement() -> None:
    """And none of the terms is a banned word."""
    rows = table("Words that are not used")
    words = [banned.word for banned in glossary.banned_words()]
    assert len(words) == len(set(words)) > 80
    assert [row for row in rows if len(row) != 3 or not row[1]] == []
    exempt = {banned.word for banned in glossary.banned_words() if banned.folders}
    assert {row[0] for row in table("Glossary")} & set(words) <= exempt


def test_names_that_may_be_shared_are_shared() -> None:
    """An exception that nothing needs is taken out."""
    assert set(glossary.SHARED_NAMES) <= set(glossary.class_names_found())


def test_exceptions_are_folders_that_exist() -> None:
    """An exception for a folder that moved would allow nothing, or hide a typing error."""
    folders = {folder for banned in glossary.banned_words() for folder in banned.folders}
    assert [folder for folder in sorted(folders) if not (glossary.ROOT / folder).is_dir()] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("told_by", "told_by"),
        ("ToldFresh", "told_fresh"),
        ("HTTPAnswer", "http_answer"),
        ("_ASK_EVERY_S", "ask_every_s"),
        ("TaskAsked2", "task_asked"),
    ],
)
def test_an_identifier_is_split_into_words(name: str, words: str) -> None:
    """`task` is no `ask`."""
    assert snake_of(name) == words


def test_a_word_is_found_whole_and_outside_its_exceptions() -> None:
    """The rule can fail: in a phrase that is not the allowed one, and in a folder that is not named."""
    letter = BannedWord("letter", folders=("services/invoicing/",), phrases=("dead_letter",))
    file = "shared/framework/messaging/x.py"
    assert letter.is_in("LetterBox", file)
    assert letter.is_in("letter_of_dead_letter", file)
    assert not letter.is_in("DeadLetterListener", file)
    assert not letter.is_in("letters", file)
    assert not letter.is_in("LetterBox", "services/invoicing/x.py")


def test_names_of_every_kind_are_looked_at() -> None:
    """Module, class, method, field, constant and attribute; not the fields of events."""
    money = glossary.names_in(glossary.ROOT / "shared" / "billing" / "money.py")
    assert {"money", "Money", "rounded", "minor", "EXACT"} <= money
    events = glossary.names_in(glossary.CONTRACTS / "invoicing" / "invoices.py")
    assert "InvoiceFinalized" in events
    assert "finalized_at" not in events
    assert len(glossary.PRODUCT) > 250
