"""Every rule, vector, invariant, link and file that a text of this repository cites is there."""

from pathlib import Path

import pytest

from tests.contract.citations import (
    INVARIANTS_PAGE,
    OLD_STYLE,
    ROOT,
    RULES_PAGE,
    anchors_of,
    invariants_in,
    joined,
    links_of,
    numbered,
    paths_in,
    prose_of,
    resolves,
    rules_in,
    texts,
    vectors_in,
)

RULES = RULES_PAGE.read_text(encoding="utf-8")
CITING = texts(".py", ".md", ".sql")
PAGES = texts(".md")
# Texts that look like paths of this repository and are none.
NO_PATHS = {
    "eventstore/0001_events.sql": "the stored name of a migration",
    "tollhouse/may-call": "a Kubernetes label",
}
# `law 3` is how rules were cited before. An applied migration is never edited, not even its comments.
OLD_STYLE_LEFT = {
    "services/ingest/migrations/0001_usage.sql": "an applied migration",
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _unknown(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    missing = {
        "billing rule ": rules_in(text) - numbered(RULES, "rule-"),
        "V": vectors_in(text) - numbered(RULES, "v"),
        "I": invariants_in(text) - numbered(INVARIANTS_PAGE.read_text(encoding="utf-8"), "i"),
    }
    return [f"{kind}{number}" for kind, numbers in missing.items() for number in sorted(numbers)]


def test_the_pages_have_all_rules_and_invariants() -> None:
    """Sixteen of each, and no rule without its policies and what is done today."""
    assert numbered(RULES, "rule-") == set(range(1, 17))
    assert numbered(INVARIANTS_PAGE.read_text(encoding="utf-8"), "i") == set(range(1, 17))
    assert RULES.count("\n## Rule ") == RULES.count("**Policies:**") == RULES.count("**Today:**") == 16


def test_every_cited_rule_vector_and_invariant_exists() -> None:
    """Over code, tests, migrations and pages; `V13` in a test is a citation too."""
    found = {_name(path): missing for path in CITING if (missing := _unknown(path))}
    assert found == {}


def test_citations_are_found_at_all() -> None:
    """A pattern that matches nothing would let everything pass."""
    product = [path for path in CITING if path.suffix == ".py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in product)
    assert len(rules_in(text)) >= 10
    assert len(vectors_in(text)) >= 20
    assert len(invariants_in(text)) >= 4


def test_citations_are_read_in_every_form() -> None:
    """In the plural, wrapped, at the start of a sentence, with a letter, as a range."""
    rules = f"billing rules {21}, {22} and {23}; (billing\n    # rule {24}). Billing rule {25}: law {26}."
    assert rules_in(rules) == {21, 22, 23, 24, 25, 26}
    assert vectors_in(f"V{91}, V{92}b, V{93}-V{94}; UUIDv{95}") == {91, 92, 93, 94}
    assert invariants_in(f"I{71}: (I{72}/I{73})") == {71, 72, 73}


def test_rules_are_cited_in_one_style() -> None:
    """As `billing rule 6`; what is left of the old style is named with its reason, and is there."""
    old = {_name(path) for path in CITING if OLD_STYLE.search(joined(path.read_text(encoding="utf-8")))}
    assert old - {_name(Path(__file__))} == set(OLD_STYLE_LEFT)


def test_the_page_says_truly_which_vectors_are_checked() -> None:
    """`yes` or `part` is written exactly where a test cites the vector."""
    rows = [line for line in RULES.splitlines() if line.startswith('| <a id="v')]
    said = {next(iter(vectors_in(row.split(" | ")[0]))) for row in rows if " | - | " not in row}
    tests = [path for path in texts(".py") if "tests" in path.parts and path.name.startswith("test_")]
    cited = {vector for path in tests for vector in vectors_in(path.read_text(encoding="utf-8"))}
    assert len(rows) == len(numbered(RULES, "v"))
    assert said == cited


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a file of the repository, and to an anchor that it has."""
    dead = []
    for link in links_of(page.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        if not file.exists() or (anchor and anchor not in anchors_of(file.read_text(encoding="utf-8"))):
            dead.append(link)
    assert dead == []


def test_every_path_that_a_text_names_is_there() -> None:
    """In pages, and in docstrings and comments of code; the change log also names what was there once."""
    gone = {
        f"{_name(path)}: {token}"
        for path in texts(".py", ".md")
        if path.name != "CHANGELOG.md"
        for token in paths_in(prose_of(path))
        if token not in NO_PATHS and not resolves(token, path)
    }
    assert gone == set()


def test_a_path_that_is_gone_is_seen() -> None:
    """Whole paths, paths in patterns, folders, and paths relative to a page."""
    gone = [
        "shared/kernel",
        "shared/pricing/flat.py",
        "services/<context>/domain",
        "api/routes.py",
        "docs/x.md",
    ]
    named = paths_in(
        f"see {gone[0]}, `{gone[1]}`; ({gone[2]}) {gone[3]}. {gone[4]}: http://host/docs/a.md .data/x.md"
    )
    assert named == [gone[0], gone[1], "services/*/domain", gone[3], gone[4]]
    assert [token for token in named if resolves(token, ROOT / "README.md")] == []
    assert resolves("engine/memory.py", ROOT / "projections" / "README.md")
    assert resolves("services/*/settings.py", ROOT / "README.md")
