"""Recognition of card numbers, which are refused so that none is stored (PCI DSS: tokens only)."""

import re
from itertools import cycle

_DIGITS_IN_ROW = re.compile(r"\d(?:[ .\-]?\d){12,}")
_LENGTHS = range(13, 20)


def holds_card_number(text: str) -> bool:
    """Whether 13 to 19 digits in a row, however grouped, pass the Luhn check."""
    runs = (re.sub(r"\D", "", run) for run in _DIGITS_IN_ROW.findall(text))
    return any(len(run) in _LENGTHS and _passes_luhn(run) for run in runs)


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * factor for digit, factor in zip(reversed(digits), cycle((1, 2)), strict=False))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
