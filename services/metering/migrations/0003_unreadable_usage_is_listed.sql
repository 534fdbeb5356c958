-- The events that each meter could not read, and how many there are; in the place of a count per day.
CREATE TABLE unreadable_events (
    meter_id text        NOT NULL,
    position bigint      NOT NULL,   -- of the batch in ingest's history
    index    integer     NOT NULL,   -- of the event in the batch
    source   text        NOT NULL,
    event_id text        NOT NULL,
    subject  text        NOT NULL,
    time     timestamptz NOT NULL,
    reason   text        NOT NULL,
    path     text        NOT NULL,
    PRIMARY KEY (meter_id, position, index)
);
CREATE INDEX unreadable_events_by_time ON unreadable_events (meter_id, time);

CREATE TABLE unreadable_counts (
    meter_id     text        PRIMARY KEY,
    events       bigint      NOT NULL,
    published    bigint      NOT NULL DEFAULT 0,
    publications integer     NOT NULL DEFAULT 0,
    published_at timestamptz NOT NULL DEFAULT '-infinity'
);
DROP TABLE unreadable;

GRANT SELECT, INSERT ON unreadable_events TO :app_role;
GRANT SELECT, INSERT, UPDATE ON unreadable_counts TO :app_role;

-- Every meter counts again from the beginning of ingest's history (docs/decisions, 2026-11-25: equality of values):
-- numbers are read that were not, values are one that were two, and what cannot be read gets its rows above.
INSERT INTO changed_days AS kept (series_id, day, marks)
SELECT DISTINCT series_id, (timestamp 'epoch' + hour * interval '1 hour')::date, 1
FROM (SELECT series_id, hour FROM rollups UNION SELECT series_id, hour FROM uniques) AS counted
ON CONFLICT (day, series_id) DO UPDATE SET marks = kept.marks + 1;
TRUNCATE rollups, uniques, points;
UPDATE meters SET joined_from = NULL;
DELETE FROM inbox WHERE consumer LIKE 'metering.backfill.%';
