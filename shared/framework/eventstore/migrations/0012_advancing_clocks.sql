-- A test clock that is advancing has a target. While it has one, what was decided at an earlier reading of the clock is
-- refused (TH005): the row is locked before the events are written, by both sides in that order.
ALTER TABLE tenant_clocks ADD COLUMN target_at timestamptz;
CREATE INDEX tenant_clocks_advancing ON tenant_clocks (tenant_id) WHERE target_at IS NOT NULL;

CREATE FUNCTION set_test_clocks(clocks jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tenant_clocks AS clock (tenant_id, now_at, target_at)
    SELECT key, (value ->> 'now')::timestamptz, (value ->> 'target')::timestamptz FROM jsonb_each(clocks)
        ON CONFLICT (tenant_id) DO UPDATE
       SET now_at = greatest(clock.now_at, excluded.now_at),
           target_at = CASE WHEN clocks -> clock.tenant_id ? 'target'
                            THEN excluded.target_at ELSE clock.target_at END
$$;

CREATE FUNCTION check_test_clocks(seen jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM tenant_clocks WHERE tenant_id IN (SELECT jsonb_object_keys(seen))
      ORDER BY tenant_id FOR SHARE;
    IF EXISTS (
        SELECT FROM jsonb_each_text(seen) LEFT JOIN tenant_clocks ON tenant_id = key
         WHERE now_at IS DISTINCT FROM value::timestamptz OR target_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a test clock has moved' USING ERRCODE = 'TH005';
    END IF;
END $$;

-- As in 0005, and the clocks first. `clocks` is what processes of an older release send while they are replaced.
CREATE OR REPLACE FUNCTION commit_changes(
    stream_ids text[], versions bigint[], wire_names text[], states bytea[],
    tenant_ids text[], event_ids uuid[], slots smallint[], metadatas jsonb[], beside jsonb
) RETURNS SETOF bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF beside ? 'inbox'       THEN PERFORM move_inbox(beside -> 'inbox'); END IF;
    IF beside ? 'clocks_seen' THEN PERFORM check_test_clocks(beside -> 'clocks_seen'); END IF;
    IF beside ? 'test_clocks' THEN PERFORM set_test_clocks(beside -> 'test_clocks'); END IF;
    IF beside ? 'clocks'      THEN PERFORM set_clocks(beside -> 'clocks'); END IF;
    IF beside ? 'timers_done' THEN PERFORM finish_timers(beside -> 'timers_done'); END IF;
    IF cardinality(stream_ids) > 0 THEN
        RETURN QUERY SELECT * FROM append_events(
            stream_ids, versions, wire_names, states, tenant_ids, event_ids, slots, metadatas);
    END IF;
    IF beside ? 'timers'      THEN PERFORM set_timers(beside -> 'timers'); END IF;
    IF beside ? 'unparked'    THEN PERFORM unpark(beside -> 'unparked'); END IF;
    IF beside ? 'parked'      THEN PERFORM park(beside -> 'parked'); END IF;
END $$;

REVOKE ALL ON FUNCTION set_test_clocks, check_test_clocks FROM PUBLIC;
GRANT EXECUTE ON FUNCTION set_test_clocks, check_test_clocks TO :app_role;
