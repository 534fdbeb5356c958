-- A claim of an idempotency key names its owner, a number that the session of a process keeps locked as long as
-- the process lives, so that the claim of one that is gone is taken over at once. `claim_id` is of one attempt:
-- only whose claim it still is may answer or release it. `canonical` is the hash over the parsed body; the older
-- `fingerprint`, over its bytes, is still written and compared, for processes and keys of before.
-- 21354 in the key's upper 16 bits tells these locks from those of append_events.
CREATE SEQUENCE claim_owners;
GRANT USAGE ON SEQUENCE claim_owners TO :app_role;

ALTER TABLE idempotency ADD COLUMN canonical bytea, ADD COLUMN claim_id text, ADD COLUMN owner bigint;

CREATE FUNCTION claim_owner_lock(owner bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT (21354::bigint << 48) | owner $$;

CREATE FUNCTION claim_owner_is_gone(owner bigint) RETURNS boolean LANGUAGE sql VOLATILE COST 10000 AS $$
    SELECT owner IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_locks
         WHERE locktype = 'advisory' AND objsubid = 1 AND granted
           AND ((classid::bigint << 32) | objid::bigint) = claim_owner_lock(owner)
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
$$;

REVOKE ALL ON FUNCTION claim_owner_lock, claim_owner_is_gone FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_owner_lock, claim_owner_is_gone TO :app_role;
