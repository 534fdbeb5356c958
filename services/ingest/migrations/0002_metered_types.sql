-- The event types that some meter counts, from MeterDefined: a hint, not a condition of acceptance.
CREATE TABLE metered_types (
    tenant_id  text NOT NULL,
    event_type text NOT NULL,
    PRIMARY KEY (tenant_id, event_type)
);
GRANT SELECT, INSERT ON metered_types TO :app_role;
