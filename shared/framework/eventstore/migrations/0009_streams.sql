-- Streams of one tenant and kind in the order of their first events: what lists of customers, plans or invoices read.
CREATE INDEX events_streams_idx ON events (tenant_id, split_part(originator_id, '_', 1), notification_id)
 WHERE originator_version = 1;

-- Only settled ones, or whoever goes on after the last one read would miss a stream that is committed later.
CREATE FUNCTION list_streams(tenant text, kind text, after bigint, rows_max int)
RETURNS TABLE (stream_id text, first_position bigint) LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off  -- as read_events
AS $$
DECLARE
    settled bigint := settled_position();
BEGIN
    RETURN QUERY
        SELECT e.originator_id, e.notification_id FROM events AS e
         WHERE e.originator_version = 1 AND e.tenant_id = tenant AND split_part(e.originator_id, '_', 1) = kind
           AND e.notification_id > after AND e.notification_id <= settled
         ORDER BY e.notification_id LIMIT rows_max;
END $$;

REVOKE ALL ON FUNCTION list_streams FROM PUBLIC;
GRANT EXECUTE ON FUNCTION list_streams TO :app_role;
