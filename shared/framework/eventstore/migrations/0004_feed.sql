-- The last position of a partition at or below a bound (0: none), by one look into the index per slot:
-- an empty partition costs no walk through the whole history.
CREATE FUNCTION last_in_partition(part int, parts int, bound bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(max(newest.position), 0)
      FROM generate_series(part, 1023, parts) AS slots (number)
     CROSS JOIN LATERAL (
        SELECT notification_id AS position FROM events
         WHERE slot = slots.number AND notification_id <= bound
         ORDER BY notification_id DESC LIMIT 1) AS newest
$$;

-- Settled events of one partition with the position before each. The reader hands back what it was told last time
-- (`known_head`, `known_settled`; 0, 0 at first), so that only news is looked at.
-- There always is a first row: it has the head, and no event when there is none to give.
CREATE FUNCTION feed_events(
    part int, parts int, after bigint, rows_max int, known_head bigint, known_settled bigint
) RETURNS TABLE (head bigint, settled bigint, previous bigint, event events) LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off  -- as read_events
AS $$
DECLARE
    bound bigint := greatest(settled_position(), known_settled);
    newest bigint;
    before bigint := 0;
BEGIN
    IF known_settled = 0 THEN
        newest := last_in_partition(part, parts, bound);
    ELSE
        SELECT coalesce(max(e.notification_id), known_head) INTO newest FROM events AS e
         WHERE e.notification_id > known_settled AND e.notification_id <= bound AND e.slot % parts = part;
    END IF;
    RETURN QUERY SELECT newest, bound, 0::bigint, NULL::events;
    IF newest <= after THEN
        RETURN;
    END IF;
    IF after > 0 THEN
        SELECT e.notification_id INTO before FROM events AS e
         WHERE e.notification_id = after AND e.slot % parts = part;
        before := coalesce(before, last_in_partition(part, parts, after));
    END IF;
    RETURN QUERY
        SELECT newest, bound, coalesce(lag((page.e).notification_id) OVER in_order, before), page.e
          FROM (SELECT e FROM events AS e
                 WHERE e.notification_id > after AND e.notification_id <= newest AND e.slot % parts = part
                 ORDER BY e.notification_id LIMIT rows_max) AS page
        WINDOW in_order AS (ORDER BY (page.e).notification_id);
END $$;

REVOKE ALL ON FUNCTION last_in_partition, feed_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION last_in_partition, feed_events TO :app_role;
