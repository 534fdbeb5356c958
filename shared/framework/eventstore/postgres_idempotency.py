"""Idempotency keys in PostgreSQL: claimed before the command, answered in its transaction."""

from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from shared.framework.eventstore.idempotency import CLAIM_LEASE, Claim, KeyIsInFlight
from shared.framework.eventstore.records import IdempotencyKey, StoredResponse

_CLAIM = """
    INSERT INTO idempotency AS held (tenant_id, key, fingerprint, canonical, claim_id, owner, claimed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (tenant_id, key) DO UPDATE
       SET fingerprint = excluded.fingerprint, canonical = excluded.canonical,
           claim_id = excluded.claim_id, owner = excluded.owner, claimed_at = excluded.claimed_at
     WHERE held.status IS NULL AND (held.claimed_at <= $8 OR claim_owner_is_gone(held.owner))
    RETURNING true"""
_HELD = "SELECT * FROM idempotency WHERE tenant_id = $1 AND key = $2"
_RELEASE = "DELETE FROM idempotency WHERE tenant_id = $1 AND key = $2 AND status IS NULL AND claim_id = $3"
_DELETE_EXPIRED = """
    WITH old AS (
        SELECT tenant_id, key FROM idempotency WHERE claimed_at < $1 ORDER BY claimed_at LIMIT $2
    ), gone AS (
        DELETE FROM idempotency AS held USING old
         WHERE (held.tenant_id, held.key) = (old.tenant_id, old.key) AND held.claimed_at < $1
        RETURNING 1
    )
    SELECT count(*) FROM gone"""
_STORE_RESPONSE = """
    UPDATE idempotency SET status = $4, headers = $5, body = $6
     WHERE tenant_id = $1 AND key = $2 AND claim_id = $3 AND status IS NULL
    RETURNING true"""


async def claim(
    connection: Any, key: IdempotencyKey, owner: int | None, now: datetime
) -> StoredResponse | None:
    """The stored response; None if the key is now claimed for this call, by this owner.

    Raises KeyIsInFlight, KeyBelongsToAnotherRequest.
    """
    hashes = (key.fingerprint, key.canonical)
    claimed = (key.tenant_id, key.key, *hashes, key.claim_id, owner, now, now - CLAIM_LEASE)
    while not await connection.fetch(_CLAIM, *claimed):
        held = await connection.fetchrow(_HELD, key.tenant_id, key.key)
        response = None if held is None else _claim_of(held).response_to(key, now)
        if response is not None:
            return response
        # The key was released or expired between the two statements: it can be claimed now.
    return None


async def release(connection: Any, key: IdempotencyKey) -> None:
    """Delete this claim of a key, unless it has a response."""
    await connection.execute(_RELEASE, key.tenant_id, key.key, key.claim_id)


async def delete_expired(connection: Any, before: datetime, limit: int) -> int:
    """Delete the oldest keys claimed before an instant, unless claimed again meanwhile; returns how many."""
    return int(await connection.fetchval(_DELETE_EXPIRED, before, limit))


async def store_response(connection: Any, key: IdempotencyKey, response: StoredResponse) -> None:
    """Store the response of a key. Raises KeyIsInFlight if this claim was taken over meanwhile."""
    headers = msgspec.json.encode(response.headers).decode()
    arguments = (key.tenant_id, key.key, key.claim_id, response.status, headers, response.body)
    if not await connection.fetch(_STORE_RESPONSE, *arguments):
        raise KeyIsInFlight(key.key)


def _claim_of(row: asyncpg.Record) -> Claim:
    response = None
    if row["status"] is not None:
        headers = msgspec.json.decode(row["headers"], type=dict[str, str])
        response = StoredResponse(row["status"], headers, row["body"])
    return Claim(row["fingerprint"], row["canonical"], row["claim_id"], row["claimed_at"], response)
