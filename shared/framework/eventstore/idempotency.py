"""Idempotency keys: claims, their refusals, and the store in memory (IETF Idempotency-Key draft 07)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.records import IdempotencyKey, StoredResponse

CLAIM_LEASE = timedelta(seconds=60)
"""An unanswered claim older than this is taken over: its process must have died before the commit."""


class KeyIsInFlight(Refusal):
    """Another request with this idempotency key is in progress; try again later."""

    code = "idempotency-key-in-flight"
    kind = RefusalKind.CONFLICT


class KeyBelongsToAnotherRequest(Refusal):
    """This idempotency key was used for another request; a new request needs a new key."""

    code = "idempotency-key-reused"
    kind = RefusalKind.UNPROCESSABLE


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed idempotency key; `response` is None until its command is committed."""

    fingerprint: bytes
    claimed_at: datetime
    response: StoredResponse | None = None

    def response_to(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """The response to repeat; None if the claim has expired and may be taken over.

        Raises KeyBelongsToAnotherRequest, KeyIsInFlight.
        """
        if self.response is None and self.claimed_at + CLAIM_LEASE <= now:
            return None
        if self.fingerprint != key.fingerprint:
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
            self._claims[key.tenant_id, key.key] = Claim(key.fingerprint, now)
        return response

    def release(self, key: IdempotencyKey) -> None:
        """Delete a claimed key that has no response."""
        held = self._claims.get((key.tenant_id, key.key))
        if held is not None and held.response is None:
            del self._claims[key.tenant_id, key.key]

    def delete_expired(self, before: datetime, limit: int) -> int:
        """Delete the oldest keys claimed before an instant; returns how many."""
        old = sorted((claim.claimed_at, claimed) for claimed, claim in self._claims.items())
        expired = [claimed for claimed_at, claimed in old if claimed_at < before][:limit]
        for claimed in expired:
            del self._claims[claimed]
        return len(expired)

    def check_unanswered(self, key: IdempotencyKey) -> None:
        """Raise KeyIsInFlight if the key was taken over meanwhile: the command was committed by another."""
        held = self._claims.get((key.tenant_id, key.key))
        if held is not None and (held.response is not None or held.fingerprint != key.fingerprint):
            raise KeyIsInFlight(key.key)

    def store_response(self, key: IdempotencyKey, response: StoredResponse, now: datetime) -> None:
        """Store the response of a key."""
        held = self._claims.get((key.tenant_id, key.key), Claim(key.fingerprint, now))
        self._claims[key.tenant_id, key.key] = replace(held, response=response)
