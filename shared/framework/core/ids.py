"""Ids: a prefix and 26 characters of Crockford base32 for 128 bits; hash slots and partitions."""

import hashlib
import json
from typing import Protocol
from uuid import UUID, uuid5

NAMESPACE = UUID("6f0e9c0a-7a55-5d2c-9f4e-70116083e0a1")
_SEPARATOR = "\x1f"
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # pragma: allowlist secret
_SHIFTS = tuple(range(125, -1, -5))


class IdGenerator(Protocol):
    """Makes new ids: time-sortable (UUIDv7) in a process, predictable in tests and simulation."""

    def new(self, prefix: str) -> str:
        """A new id such as `inv_01j9...`."""


def format_id(prefix: str, value: UUID) -> str:
    """A UUID as `<prefix>_<26 characters>`; the text sorts as the UUID does."""
    number = value.int
    return f"{prefix}_{''.join([_ALPHABET[number >> bits & 31] for bits in _SHIFTS])}"


def derived_id(prefix: str, *causes: str) -> str:
    """The id (UUIDv5) of the consequence of these causes: equal causes give an equal id.

    So an event that is delivered again has no second effect, and one business key names one stream.
    Different causes give different ids, also if a cause contains the separator.
    """
    name = _SEPARATOR.join((prefix, *causes))
    if name.count(_SEPARATOR) > len(causes):
        # No joined name begins with the separator, because no prefix is empty or contains it.
        name = _SEPARATOR + json.dumps((prefix, *causes))
    return format_id(prefix, uuid5(NAMESPACE, name))


def has_prefix(prefix: str, identifier: str) -> bool:
    """Whether an id can name a stream of this kind.

    Check it before loading a stream by an id from a request: a stream of another kind must not be folded.
    """
    return identifier.startswith(f"{prefix}_")


def slot_of(key: str) -> int:
    """The hash slot 0..1023 of a partition key. Slots are stored, so this function never changes."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=2).digest(), "big") & 1023


def partition_of(slot: int, partitions: int) -> int:
    """The number of the partition that has this slot in a topic of `partitions` partitions."""
    return slot % partitions
