-- The number of commits that have added events to the read side, and per event the commit that added it. Lists end at
-- a number, so that a reader who goes on from there meets each row once, in whatever order partitions are projected.
CREATE TABLE arrivals (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last     bigint  NOT NULL DEFAULT 0
);
INSERT INTO arrivals DEFAULT VALUES;
GRANT SELECT, UPDATE ON arrivals TO :app_role;

-- 0: it was added before arrivals were counted.
ALTER TABLE history ADD COLUMN arrival bigint NOT NULL DEFAULT 0;
