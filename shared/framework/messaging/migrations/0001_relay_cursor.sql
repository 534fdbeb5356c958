-- How far this context's history has been handed to the broker. One row; moved by compare-and-set only.
CREATE TABLE relay_cursor (
    name text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
);

GRANT SELECT, INSERT, UPDATE ON relay_cursor TO :app_role;
