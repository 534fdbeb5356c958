-- Pages bounded by bytes too: what reads them holds a page in memory, and sends it on within one time limit.
-- A page ends with the record that fills it, so there always is one if there is anything to give.
DROP FUNCTION read_events(bigint, int);
CREATE FUNCTION read_events(after bigint, rows_max int, bytes_max bigint)
RETURNS SETOF events LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
    settled bigint := settled_position();
BEGIN
    RETURN QUERY
        SELECT (page.e).*
          FROM (SELECT e, e.notification_id AS position,
                       sum(octet_length(e.state)) OVER in_order - octet_length(e.state) AS bytes_before
                  FROM events AS e
                 WHERE e.notification_id > after AND e.notification_id <= settled
                WINDOW in_order AS (ORDER BY e.notification_id ROWS UNBOUNDED PRECEDING)
                 ORDER BY e.notification_id LIMIT rows_max) AS page
         WHERE page.bytes_before < bytes_max
         ORDER BY page.position;
END $$;

DROP FUNCTION feed_events(int, int, bigint, int, bigint, bigint);
CREATE FUNCTION feed_events(
    part int, parts int, after bigint, rows_max int, bytes_max bigint, known_head bigint, known_settled bigint
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
        SELECT newest, bound, page.link, page.e
          FROM (SELECT e, e.notification_id AS position,
                       coalesce(lag(e.notification_id) OVER in_order, before) AS link,
                       sum(octet_length(e.state)) OVER in_order - octet_length(e.state) AS bytes_before
                  FROM events AS e
                 WHERE e.notification_id > after AND e.notification_id <= newest AND e.slot % parts = part
                WINDOW in_order AS (ORDER BY e.notification_id ROWS UNBOUNDED PRECEDING)
                 ORDER BY e.notification_id LIMIT rows_max) AS page
         WHERE page.bytes_before < bytes_max
         ORDER BY page.position;
END $$;

REVOKE ALL ON FUNCTION read_events, feed_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_events, feed_events TO :app_role;
