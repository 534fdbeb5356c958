-- Every reconciliation after a restore: where the history ended, and above which position it goes on, so that no
-- position is given twice. Written by the owner only (tollhouse/recovery).
CREATE TABLE recoveries (
    recovered_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_position bigint      NOT NULL,
    continues_at  bigint      NOT NULL,
    report        jsonb       NOT NULL
);
GRANT SELECT ON recoveries TO :app_role;

-- Streams with events that were put back from a copy. Only the events came back: what was written in their
-- transactions beside them (timers, copies of a subject) is derived again when the service starts.
CREATE TABLE put_back_streams (
    tenant_id text NOT NULL,
    stream_id text NOT NULL,
    PRIMARY KEY (tenant_id, stream_id)
);
GRANT SELECT, DELETE ON put_back_streams TO :app_role;
