"""The words of the glossary, and where the product uses those that are not used.

`python -m tests.contract.glossary` lowers the counts of the ratchet file to what is left, and raises none.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "glossary.md"
RATCHET = Path(__file__).parent / "golden" / "glossary_ratchet.json"
PRODUCT = sorted(
    path
    for folder in ("services", "projections", "shared", "tollhouse")
    for path in (ROOT / folder).rglob("*.py")
    if "tests" not in path.parts and path.name != "conftest.py"
)
CONTRACTS = ROOT / "shared" / "billing" / "contracts"
GRAPHQL = (ROOT / "projections" / "read_models", ROOT / "projections" / "graphql")
PRONOUNS = ("nobody", "anybody", "somebody", "whoever")
# Names that may be given twice, with the reason.
SHARED_NAMES = {
    "CursorIsUnreadable": "one refusal with one code, in processes that may not import each other",
    "MeterIsUnknown": "one refusal with one code, in processes that may not import each other",
    "CustomerIsUnknown": "one refusal with one code, in processes that may not import each other",
}

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
Found = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class BannedWord:
    """A word that no name may contain, except in some folders and in some phrases."""

    word: str
    folders: tuple[str, ...]
    phrases: tuple[str, ...]

    def is_in(self, name: str, file: str) -> bool:
        """Whether the identifier `name` of the file breaks the rule."""
        if file.startswith(self.folders):
            return False
        snake = f"_{snake_of(name)}_"
        for phrase in self.phrases:
            snake = snake.replace(f"_{phrase}_", "_")
        return f"_{self.word}_" in snake


def snake_of(name: str) -> str:
    """The words of an identifier in lower case: `HTTPAnswer_of` is `http_answer_of`."""
    return "_".join(word.lower() for word in _WORD.findall(name))


def table(heading: str) -> list[list[str]]:
    """The cells of the rows of the first table under a heading of the glossary."""
    section = PAGE.read_text(encoding="utf-8").split(f"# {heading}\n", 1)[1].split("\n#")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def banned_words() -> list[BannedWord]:
    """Every word of the table of words that are not used, with its exceptions."""
    found = []
    for words, _, exceptions in table("Words that are not used"):
        items = re.findall(r"`([^`]+)`", exceptions)
        folders = tuple(item for item in items if item.endswith("/"))
        phrases = tuple(item for item in items if not item.endswith("/"))
        found += [BannedWord(word, folders, phrases) for word in words.split(", ")]
    return found


def names_in(path: Path) -> set[str]:
    """The identifiers that a file defines: module, classes, functions, methods, fields, constants.

    Without tests (contract suites hold some) and without the fields of events, which are stored.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {path.parent.name if path.stem == "__init__" else path.stem}
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                names.add(name)
        if isinstance(node, ast.Module) or (isinstance(node, ast.ClassDef) and CONTRACTS not in path.parents):
            names.update(_assigned(node))
    return {name for name in names if not name.startswith("test_")}


def _assigned(node: ast.Module | ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))


def words_found() -> Found:
    """For each banned word the places where a name of the product has it, as `path: name`."""
    words, found = banned_words(), Found()
    for path in PRODUCT:
        file = str(path.relative_to(ROOT))
        for name in sorted(names_in(path)):
            for banned in words:
                if banned.is_in(name, file):
                    found.setdefault(banned.word, []).append(f"{file}: {name}")
    return found


def shared_names_found() -> Found:
    """For each name of several public classes, without the exceptions, the files that define it."""
    return {name: files for name, files in class_names_found().items() if name not in SHARED_NAMES}


def class_names_found() -> Found:
    """For each name of several public classes the files that define it.

    The GraphQL type of a thing may have the thing's name.
    """
    domain, graphql = Found(), Found()
    for path in PRODUCT:
        names = graphql if any(folder in path.parents for folder in GRAPHQL) and _is_graphql(path) else domain
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                names.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    return {name: files for names in (domain, graphql) for name, files in names.items() if len(files) > 1}


def _is_graphql(path: Path) -> bool:
    return path.stem == "graphql" or path.parent.name == "graphql"


def pronouns_found() -> Found:
    """For each pronoun the docstrings of the product that have it, once for each time."""
    found = Found()
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Expr(value=ast.Constant(value=str() as docstring)):
                    where = f"{path.relative_to(ROOT)}:{node.lineno}"
                    for word in re.findall(r"[a-z]+", docstring.lower()):
                        if word in PRONOUNS:
                            found.setdefault(word, []).append(where)
    return found


def measured() -> dict[str, Found]:
    """All three ratchets as they are."""
    return {
        "words in names": words_found(),
        "names of several classes": shared_names_found(),
        "pronouns in docstrings": pronouns_found(),
    }


def recorded() -> dict[str, dict[str, int]]:
    """All three ratchets as they were: the highest count that is allowed."""
    return msgspec.json.decode(RATCHET.read_bytes(), type=dict[str, dict[str, int]])


def lower() -> None:
    """Write the lower of the recorded and the present count of each word."""
    old, now = recorded(), measured()
    counts = {
        kind: {
            word: min(allowed, len(now[kind].get(word, []))) for word, allowed in sorted(old[kind].items())
        }
        for kind in now
    }
    left = {kind: {word: count for word, count in words.items() if count} for kind, words in counts.items()}
    RATCHET.write_bytes(msgspec.json.format(msgspec.json.encode(left), indent=2) + b"\n")


if __name__ == "__main__":
    lower()
