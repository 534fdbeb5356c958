"""One key, one effect, one answer (IETF Idempotency-Key draft 07)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.records import IdempotencyKey, StoredResponse

CLAIM_LEASE = timedelta(seconds=60)
"""A claim older than this belonged to a process that died before its commit."""


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
    """A key that somebody holds, and the answer once there is one."""

    fingerprint: bytes
    claimed_at: datetime
    answer: StoredResponse | None = None

    def answer_to(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """The answer to give again; None when the holder died and the key may be taken over."""
        if self.answer is None and self.claimed_at + CLAIM_LEASE <= now:
            return None
        if self.fingerprint != key.fingerprint:
            raise KeyBelongsToAnotherRequest(key.key)
        if self.answer is None:
            raise KeyIsInFlight(key.key)
        return self.answer


class MemoryIdempotencyKeys:
    """The claimed keys of a store in memory, by tenant and key."""

    def __init__(self) -> None:
        """Nothing is claimed yet."""
        self._claims: dict[tuple[str, str], Claim] = {}

    def claim(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """The stored answer, or None when the key is now ours."""
        held = self._claims.get((key.tenant_id, key.key))
        answer = None if held is None else held.answer_to(key, now)
        if answer is None:
            self._claims[key.tenant_id, key.key] = Claim(key.fingerprint, now)
        return answer

    def release(self, key: IdempotencyKey) -> None:
        """Forget a key that was claimed and not answered."""
        held = self._claims.get((key.tenant_id, key.key))
        if held is not None and held.answer is None:
            del self._claims[key.tenant_id, key.key]

    def forget(self, before: datetime, limit: int) -> int:
        """Forget the oldest of those claimed before a moment; how many."""
        old = sorted((claim.claimed_at, place) for place, claim in self._claims.items())
        gone = [place for claimed_at, place in old if claimed_at < before][:limit]
        for place in gone:
            del self._claims[place]
        return len(gone)

    def check_unanswered(self, key: IdempotencyKey) -> None:
        """Refuse a commit whose key was taken over and answered meanwhile: its effect is there already."""
        held = self._claims.get((key.tenant_id, key.key))
        if held is not None and (held.answer is not None or held.fingerprint != key.fingerprint):
            raise KeyIsInFlight(key.key)

    def answer(self, key: IdempotencyKey, answer: StoredResponse, now: datetime) -> None:
        """Keep the answer of a key."""
        held = self._claims.get((key.tenant_id, key.key), Claim(key.fingerprint, now))
        self._claims[key.tenant_id, key.key] = replace(held, answer=answer)
