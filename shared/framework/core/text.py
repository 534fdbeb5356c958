"""Printable text: what identifies or names something can be seen, stored, and told from any other text."""

import re
import unicodedata

_CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
# Default_Ignorable_Code_Point (Unicode 15), bidi controls and annotation marks among them, without the few
# of _JOINERS: nobody sees them, so two texts that differ only by them look the same.
_IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
_JOINERS = r"\u180b-\u180d\u180f\u200c\u200d\ufe0e\ufe0f"
# Halves of surrogate pairs are not in UTF-8, and so not in SCHEMA_PATTERN, which a client's JSON contains.
_SURROGATES = r"\ud800-\udfff"
# Private use, noncharacters, and the planes from 4 on, in which no letter is assigned.
_NO_CHARACTERS = (
    r"\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0003fffe-\U0010ffff"
)

_JOINED = r"[\u0590-\u1fff\u2190-\u2bff\u2c00-\ud7ff\uf900-\ufe0f\ufe20-\uffef\U00010000-\U0003fffd]"
# Persian, the Indic scripts and emoji need joiners between their characters; a variation selector follows a
# symbol or a Mongolian letter. Anywhere else they are as invisible as the others.
_JOINER_ELSEWHERE = (
    rf"(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})"
    r"|(?<![\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]"
    r"|(?<![\u1820-\u18aa])[\u180b-\u180d\u180f]"
)
_UNPRINTABLE = re.compile(f"[{_CONTROLS}{_IGNORABLE}{_SURROGATES}{_NO_CHARACTERS}]|{_JOINER_ELSEWHERE}")

_BASIC_PLANE = re.sub(r"\\U.{8}(-\\U.{8})?", "", _CONTROLS + _IGNORABLE + _JOINERS + _NO_CHARACTERS)
SCHEMA_PATTERN = f"^[^{_BASIC_PLANE}]+$"
"""A pattern for JSON Schema of printable text.

It is stricter for joiners, which are accepted in few places, and does not exclude what is not printable
beyond the basic plane: ECMA-262 has no escapes for it that all validators know.
"""


def unprintable(text: str) -> str | None:
    """The first character of a text that is not printable, such as `U+200B`; None if all are.

    Not printable: controls, separators of lines, what has no shape (zero-width, bidi controls, tags),
    halves of surrogate pairs, private use and noncharacters. ZERO WIDTH JOINER and NON-JOINER are printable
    between characters of the scripts that need them.
    """
    if text.isascii() and text.isprintable():
        return None
    found = _UNPRINTABLE.search(text)
    return None if found is None else f"U+{ord(found[0]):04X}"


def flaw_of_identifier(text: str) -> str | None:
    """Why a text cannot identify something, as half a sentence; None if it can.

    It must be printable, and in normalization form C: else two texts that are one to a reader are two here.
    """
    if (character := unprintable(text)) is not None:
        return f"must not contain {character}, which cannot be seen"
    return None if unicodedata.is_normalized("NFC", text) else "must be in Unicode normalization form C"
