-- What goes with the events of one commit, so that all of it is one round trip: a JSON object with a list per table.
-- TH002: an inbox mark has moved. TH003: a timer is gone.

CREATE FUNCTION move_inbox(moves jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    WITH move AS (
        SELECT * FROM jsonb_to_recordset(moves) AS m (
            consumer text, topic text, partition int, position bigint, broker_offset bigint, incarnation text,
            expected bigint)
    ), moved AS (
        UPDATE inbox AS mark
           SET position = m.position, broker_offset = m.broker_offset, incarnation = m.incarnation
          FROM move AS m
         WHERE (mark.consumer, mark.topic, mark.partition) = (m.consumer, m.topic, m.partition)
           AND mark.position = m.expected
        RETURNING 1
    ), begun AS (
        INSERT INTO inbox (consumer, topic, partition, position, broker_offset, incarnation)
        SELECT m.consumer, m.topic, m.partition, m.position, m.broker_offset, m.incarnation
          FROM move AS m WHERE m.expected = 0
            ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM moved) + (SELECT count(*) FROM begun) INTO written;
    IF written <> jsonb_array_length(moves) THEN
        RAISE EXCEPTION 'an inbox mark has moved' USING ERRCODE = 'TH002';
    END IF;
END $$;

CREATE FUNCTION finish_timers(timer_ids jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    finished bigint;
BEGIN
    DELETE FROM timers WHERE timer_id IN (SELECT jsonb_array_elements_text(timer_ids));
    GET DIAGNOSTICS finished = ROW_COUNT;
    IF finished <> jsonb_array_length(timer_ids) THEN
        RAISE EXCEPTION 'a timer is gone' USING ERRCODE = 'TH003';
    END IF;
END $$;

CREATE FUNCTION set_timers(wanted jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO timers (timer_id, tenant_id, due_at, purpose, payload, metadata, test_clock, attempts)
    SELECT * FROM jsonb_to_recordset(wanted) AS t (
           timer_id text, tenant_id text, due_at timestamptz, purpose text, payload jsonb, metadata jsonb,
           test_clock boolean, attempts int)
        ON CONFLICT (timer_id) DO NOTHING
$$;

CREATE FUNCTION set_clocks(clocks jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tenant_clocks AS clock (tenant_id, now_at)
    SELECT key, value::timestamptz FROM jsonb_each_text(clocks)
        ON CONFLICT (tenant_id) DO UPDATE SET now_at = greatest(clock.now_at, excluded.now_at)
$$;

CREATE FUNCTION unpark(handled jsonb) RETURNS void LANGUAGE sql AS $$
    DELETE FROM parked
     USING jsonb_to_recordset(handled) AS h (consumer text, topic text, position bigint)
     WHERE (parked.consumer, parked.topic, parked.position) = (h.consumer, h.topic, h.position)
$$;

CREATE FUNCTION park(letters jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO parked (consumer, topic, partition, position, cause, context, tenant_id, stream_id, version,
                        wire_name, state, slot, event_id, metadata, recorded_at, previous)
    SELECT p.consumer, p.topic, p.partition, p.position, p.cause, p.context, p.tenant_id, p.stream_id, p.version,
           p.wire_name, decode(p.state, 'base64'), p.slot, p.event_id, p.metadata, p.recorded_at, p.previous
      FROM jsonb_to_recordset(letters) AS p (
           consumer text, topic text, partition int, position bigint, cause text, context text, tenant_id text,
           stream_id text, version bigint, wire_name text, state text, slot smallint, event_id uuid,
           metadata jsonb, recorded_at timestamptz, previous bigint)
        ON CONFLICT (consumer, topic, position) DO UPDATE SET cause = excluded.cause, parked_at = now()
$$;

CREATE FUNCTION commit_changes(
    stream_ids text[], versions bigint[], wire_names text[], states bytea[],
    tenant_ids text[], event_ids uuid[], slots smallint[], metadatas jsonb[], beside jsonb
) RETURNS SETOF bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF beside ? 'inbox'       THEN PERFORM move_inbox(beside -> 'inbox'); END IF;
    IF beside ? 'timers_done' THEN PERFORM finish_timers(beside -> 'timers_done'); END IF;
    IF cardinality(stream_ids) > 0 THEN
        RETURN QUERY SELECT * FROM append_events(
            stream_ids, versions, wire_names, states, tenant_ids, event_ids, slots, metadatas);
    END IF;
    IF beside ? 'timers'      THEN PERFORM set_timers(beside -> 'timers'); END IF;
    IF beside ? 'clocks'      THEN PERFORM set_clocks(beside -> 'clocks'); END IF;
    IF beside ? 'unparked'    THEN PERFORM unpark(beside -> 'unparked'); END IF;
    IF beside ? 'parked'      THEN PERFORM park(beside -> 'parked'); END IF;
END $$;

REVOKE ALL ON FUNCTION move_inbox, finish_timers, set_timers, set_clocks, unpark, park, commit_changes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    move_inbox, finish_timers, set_timers, set_clocks, unpark, park, commit_changes TO :app_role;
