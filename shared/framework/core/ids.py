"""Identifiers: a readable prefix and 26 characters of Crockford base32 over 128 bits."""

import hashlib
from typing import Protocol
from uuid import UUID, uuid5

NAMESPACE = UUID("6f0e9c0a-7a55-5d2c-9f4e-70116083e0a1")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # pragma: allowlist secret


class IdGenerator(Protocol):
    """Makes new identifiers; time-sortable (UUIDv7) in production, seeded in simulation."""

    def new(self, prefix: str) -> str:
        """A fresh identifier such as `inv_01j9...`."""
        ...


def format_id(prefix: str, value: UUID) -> str:
    """Write a UUID as `<prefix>_<26 characters>`; the text sorts as the UUID does."""
    number, letters = value.int, []
    for _ in range(26):
        number, rest = divmod(number, 32)
        letters.append(_ALPHABET[rest])
    return f"{prefix}_{''.join(reversed(letters))}"


def derived_id(prefix: str, *causes: str) -> str:
    """The identifier of what these causes bring about: the same causes always give the same one.

    A redelivered fact therefore has no second effect, and one key can name only one stream.
    """
    return format_id(prefix, uuid5(NAMESPACE, "\x1f".join((prefix, *causes))))


def has_prefix(prefix: str, identifier: str) -> bool:
    """Whether an identifier that somebody handed in can name a stream of this kind.

    Asked before a stream is read by an id from outside, so that no history is folded as something else.
    """
    return identifier.startswith(f"{prefix}_")


def slot_of(key: str) -> int:
    """The hash slot 0..1023 of a partition key: our own stable function, whatever the client library does."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=2).digest(), "big") & 1023


def partition_of(slot: int, partitions: int) -> int:
    """The partition that carries a slot when its topic has this many partitions."""
    return slot % partitions
