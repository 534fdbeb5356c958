"""Finds repeated keys in the JSON of events: parsers differ in which value of two they take.

msgspec takes the last and says nothing. Comparing the number of keys in the text with the number in the
parsed events costs a fraction of parsing again.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from services.ingest.events.usage_event import CloudEvent

_REQUIRED = 5
"""specversion, id, source, type and subject."""
_SPACES = (b" ", b"\t", b"\n", b"\r")

_decode = msgspec.json.Decoder().decode


def no_key_is_repeated(body: bytes, events: Sequence[CloudEvent]) -> bool:
    """Whether surely no object in this JSON array of events has a key twice; False: it must be looked at.

    Each key ends with a quote and a colon, if no space is before a colon. A text may contain these two as
    well, so they are counted at least as often as there are keys in the text, which are at least as many as
    were parsed. If the first number equals the last, each key was parsed, none of them twice.
    """
    if any(space in body and space + b":" in body for space in _SPACES):
        return False
    count = body.count(b'":')
    datas = [event.data for event in events]
    without_time = [event.time for event in events].count(None)
    keys = len(events) * (_REQUIRED + 2) - without_time - datas.count({}) + sum(map(len, datas))
    # Unequal for nested data and for attributes that are not stored: then all is counted.
    return count == keys or count == _count_all(body)


def repeats_a_key(piece: bytes) -> bool:
    """Whether an object in this JSON has a key twice, at any depth. Raises RecursionError."""
    try:
        _exact.decode(piece.decode())
    except _KeyIsRepeated:
        return True
    return False


def _count_all(body: bytes) -> int:
    try:
        return _count_keys(_decode(body))
    except RecursionError:
        return -1


class _KeyIsRepeated(Exception):
    pass


def _count_keys(value: Any) -> int:
    kind = type(value)
    if kind is dict:
        return len(value) + sum(_count_keys(part) for part in value.values() if type(part) in _CONTAINERS)
    if kind is list:
        return sum(_count_keys(part) for part in value if type(part) in _CONTAINERS)
    return 0


_CONTAINERS = frozenset({dict, list})


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _KeyIsRepeated


# Numbers stay texts: only keys matter, and Python refuses integers of thousands of digits.
_exact = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str, strict=False)
