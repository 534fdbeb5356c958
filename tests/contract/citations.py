"""What texts of this repository cite: billing rules, vectors, invariants, links and files."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("services", "projections", "shared", "tollhouse", "tests", "deploy", "docs", "requirements")
RULES_PAGE = ROOT / "docs" / "billing-rules.md"
INVARIANTS_PAGE = ROOT / "docs" / "invariants.md"

_NUMBERS = r"(\d+(?:(?:, | and | or )\d+)*)"
RULE = re.compile(rf"\b(?:billing rules?|laws?) {_NUMBERS}", re.IGNORECASE)
OLD_STYLE = re.compile(r"\blaws? \d", re.IGNORECASE)
VECTOR = re.compile(r"\bV(\d{1,2})[A-Za-z]?\b")
INVARIANT = re.compile(r"\bI(\d{1,2})\b")
LINK = re.compile(r"\]\(([^)\s]+)\)")
ANCHOR = re.compile(r'<a id="([\w-]+)">')
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# A word with slashes in it; after a dot, tilde, dollar or colon it is an URL or a folder of data.
_PATH = re.compile(r"(?<![\w/.:$~*<>{}-])([\w-][\w.-]*/(?:[\w.*<>-]+/)*[\w.*<>{}-]*)")
_SUFFIX = re.compile(r"\.(py|md|sql|json|toml|ya?ml|graphql|txt|in|xz|css|js|html)$")
_LINE_BREAK = re.compile(r"\s*\n\s*(?:#|--)?\s*")


def texts(*suffixes: str) -> list[Path]:
    """Every file of the repository with one of these suffixes, by path."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    return sorted(path for path in (*ROOT.iterdir(), *inside) if path.suffix in suffixes and path.is_file())


def joined(text: str) -> str:
    """The text as one line, so that a citation may be wrapped; markers of comments are dropped."""
    return _LINE_BREAK.sub(" ", text)


def rules_in(text: str) -> set[int]:
    """The numbers of the billing rules that a text cites."""
    return {int(number) for found in RULE.findall(joined(text)) for number in re.findall(r"\d+", found)}


def vectors_in(text: str) -> set[int]:
    """The numbers of the vectors that a text cites; of a range, both ends."""
    return {int(number) for number in VECTOR.findall(text)}


def invariants_in(text: str) -> set[int]:
    """The numbers of the invariants that a text cites; of a range, both ends."""
    return {int(number) for number in INVARIANT.findall(text)}


def anchors_of(page: str) -> set[str]:
    """What a link may name after `#`: explicit anchors, and headings as GitHub spells them."""
    slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(page)}
    return set(ANCHOR.findall(page)) | slugs


def numbered(page: str, prefix: str) -> set[int]:
    """The numbers of the explicit anchors `<prefix><number>` of a page."""
    return {int(found) for found in re.findall(rf'<a id="{prefix}(\d+)"></a>', page)}


def links_of(text: str) -> list[str]:
    """Targets of the Markdown links that stay in the repository."""
    return [link for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]


def prose_of(path: Path) -> str:
    """The whole of a Markdown file; the docstrings and comments of a Python file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    return "\n".join([*_docstrings(text), *_comments(text)])


def paths_in(prose: str) -> list[str]:
    """Paths of files and folders that a text names, as glob patterns: `<name>` is any name."""
    found = (token.split("{")[0].rstrip(".,;:") for token in _PATH.findall(prose))
    paths = (token for token in found if token.split("/")[0] in FOLDERS or _SUFFIX.search(token))
    return [re.sub(r"<\w*>", "*", path) for path in paths]


def resolves(pattern: str, file: Path) -> bool:
    """Whether there is such a path, seen from the file's folder or from any folder above it."""
    folders = [folder for folder in file.parents if folder == ROOT or ROOT in folder.parents]
    return any(next(folder.glob(pattern), None) is not None for folder in folders)


def _docstrings(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str() as docstring)):
                yield docstring


def _comments(text: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
