-- The history. The first five columns are the layout of the `eventsourcing` library (9.5), so that its stock
-- applications read it; the rest have defaults. Nothing is ever changed or taken away.
CREATE TABLE events (
    originator_id      text        NOT NULL,
    originator_version bigint      NOT NULL CHECK (originator_version > 0),
    topic              text        NOT NULL,
    state              bytea       NOT NULL,
    notification_id    bigserial   NOT NULL,
    tenant_id          text        NOT NULL,
    event_id           uuid        NOT NULL,
    slot               smallint    NOT NULL CHECK (slot BETWEEN 0 AND 1023),
    metadata           jsonb       NOT NULL,
    recorded_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (originator_id, originator_version)
);
CREATE UNIQUE INDEX events_notification_id_idx ON events (notification_id);
CREATE INDEX events_slot_idx ON events (slot, notification_id);

-- What a stock application without a name opens: PostgresFactory asks for "stored_events".
CREATE VIEW stored_events AS
SELECT originator_id, originator_version, topic, state, notification_id FROM events;

CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'TH004';
END $$;

CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();
-- Also when somebody sets session_replication_role to get around triggers.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only;

REVOKE ALL ON events FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :app_role;
GRANT SELECT ON events, stored_events, events_notification_id_seq TO :app_role;
