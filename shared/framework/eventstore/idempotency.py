"""Idempotency keys: claims, their refusals, and the store in memory (IETF Idempotency-Key draft 07)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.records import IdempotencyKey, StoredResponse

CLAIM_LEASE = timedelta(seconds=60)
"""An unanswered claim older than this is taken over, also when its owner seems to live."""


class ClaimOwner(Protocol):
    """Port: who claims keys. A claim whose owner is gone is taken over at once."""

    async def owner(self) -> int | None:
        """The number of this process; another one after its end. None: its claims end by CLAIM_LEASE only."""


class NoOwner:
    """The owner of claims that end by CLAIM_LEASE only."""

    async def owner(self) -> None:
        """None."""


class KeyIsInFlight(Refusal):
    """Another request with this idempotency key is in progress; try again later."""

    code = "idempotency-key-in-flight"
    kind = RefusalKind.CONFLICT


class KeyBelongsToAnotherRequest(Refusal):
    """This idempotency key was used for another request; a new request needs a new key."""

    code = "idempotency-key-reused"
    kind = RefusalKind.UNPROCESSABLE


class CommandIsExecuted(Refusal):
    """This command was executed before a restore: its events were put back, and its response is lost."""

    code = "command-already-executed"
    kind = RefusalKind.CONFLICT


PUT_BACK = b"put back"
"""Instead of a fingerprint: the key's events were put back after a restore, and no response is known."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed idempotency key; `response` is None until its command is committed."""

    fingerprint: bytes
    canonical: bytes | None
    claim_id: str | None
    claimed_at: datetime
    response: StoredResponse | None = None
    has_owner: bool = True

    def response_to(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """The response to repeat; None if the claim has expired and may be taken over.

        Raises KeyBelongsToAnotherRequest, KeyIsInFlight, CommandIsExecuted.
        """
        if self.response is None and (self.claimed_at + CLAIM_LEASE <= now or not self.has_owner):
            return None
        if self.fingerprint == PUT_BACK:
            streams = self.response.body.decode() if self.response else "an unknown stream"
            raise CommandIsExecuted(f"key {key.key}: read what it changed in {streams}")
        if self.fingerprint != key.fingerprint and self.canonical != key.canonical:
            raise KeyBelongsToAnotherRequest(key.key)
        if self.response is None:
            raise KeyIsInFlight(key.key)
        return self.response


class MemoryIdempotencyKeys:
    """Idempotency keys in memory."""

    def __init__(self) -> None:
        """No key is claimed yet."""
        self._claims: dict[tuple[str, str], Claim] = {}

    def claim(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """The stored response; None if the key is now claimed for this call."""
        held = self._claims.get((key.tenant_id, key.key))
        response = None if held is None else held.response_to(key, now)
        if response is None:
            claim = Claim(key.fingerprint, key.canonical, key.claim_id, now)
            self._claims[key.tenant_id, key.key] = claim
        return response

    def end_owner(self) -> None:
        """Let all unanswered claims have no owner any more, as after the end of the process."""
        self._claims = {of: replace(claim, has_owner=False) for of, claim in self._claims.items()}

    def release(self, key: IdempotencyKey) -> None:
        """Delete this claim of a key, unless it has a response."""
        if self._is_held(key):
            del self._claims[key.tenant_id, key.key]

    def delete_expired(self, before: datetime, limit: int) -> int:
        """Delete the oldest keys claimed before an instant; returns how many."""
        old = sorted((claim.claimed_at, claimed) for claimed, claim in self._claims.items())
        expired = [claimed for claimed_at, claimed in old if claimed_at < before][:limit]
        for claimed in expired:
            del self._claims[claimed]
        return len(expired)

    def check_held(self, key: IdempotencyKey) -> None:
        """Raise KeyIsInFlight if this claim was taken over meanwhile."""
        if not self._is_held(key):
            raise KeyIsInFlight(key.key)

    def store_response(self, key: IdempotencyKey, response: StoredResponse) -> None:
        """Store the response of a key that `check_held` has found to be held."""
        held = self._claims[key.tenant_id, key.key]
        self._claims[key.tenant_id, key.key] = replace(held, response=response)

    def _is_held(self, key: IdempotencyKey) -> bool:
        held = self._claims.get((key.tenant_id, key.key))
        return held is not None and held.response is None and held.claim_id == key.claim_id
