-- The only door into `events`. Every writer holds, until its transaction ends, a *shared* advisory lock whose key
-- is the sequence's value before it drew its own: writers never wait for each other, and whatever they draw lies
-- above their key. So nothing can still appear at or below the lowest key held (proof: README.md, one room up).
-- The key's upper 16 bits, 21353, tell these locks from any other of this database.
CREATE FUNCTION append_events(
    stream_ids text[], versions bigint[], wire_names text[], states bytea[],
    tenant_ids text[], event_ids uuid[], slots smallint[], metadatas jsonb[]
) RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan  -- or the arrays would be planned anew each time: half of the cost
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(
        (21353::bigint << 48) | (SELECT CASE WHEN is_called THEN last_value ELSE 0 END
                                   FROM public.events_notification_id_seq));
    RETURN QUERY
        INSERT INTO public.events
            (originator_id, originator_version, topic, state, tenant_id, event_id, slot, metadata)
        SELECT * FROM unnest(stream_ids, versions, wire_names, states,
                             tenant_ids, event_ids, slots, metadatas)
        RETURNING notification_id;
    -- The primary key keeps two writers apart; this keeps out gaps, and strangers to the stream's tenant.
    IF EXISTS (
        SELECT FROM unnest(stream_ids, versions, tenant_ids) AS new (stream_id, version, tenant_id)
         WHERE new.version > 1 AND new.tenant_id IS DISTINCT FROM (
            SELECT before.tenant_id FROM public.events AS before
             WHERE before.originator_id = new.stream_id AND before.originator_version = new.version - 1)
    ) THEN
        RAISE EXCEPTION 'an event does not follow its stream' USING ERRCODE = 'TH001';
    END IF;
END $$;

-- The last position below which nothing can appear any more. Volatile on purpose: each statement sees anew,
-- and the order of the two reads is the proof: first the sequence, then the locks.
CREATE FUNCTION settled_position() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    drawn bigint;
    lowest_key bigint;
BEGIN
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO drawn FROM events_notification_id_seq;
    SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) INTO lowest_key
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 21353
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    RETURN least(drawn, coalesce(lowest_key, drawn));
END $$;

-- Always by the index in order: in a young table the planner's guesses would sort all of it for every page.
CREATE FUNCTION read_events(after bigint, rows_max int) RETURNS SETOF events LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
    settled bigint := settled_position();
BEGIN
    RETURN QUERY SELECT * FROM events WHERE notification_id > after AND notification_id <= settled
                  ORDER BY notification_id LIMIT rows_max;
END $$;

REVOKE ALL ON FUNCTION append_events, settled_position, read_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_events, settled_position, read_events TO :app_role;
