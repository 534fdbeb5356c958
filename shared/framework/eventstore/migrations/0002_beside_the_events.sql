-- What is written in the transaction of the events: how far consumers have come, what shall happen later,
-- what was answered, and what could not be handled.
CREATE TABLE inbox (
    consumer      text   NOT NULL,
    topic         text   NOT NULL,
    partition     int    NOT NULL,
    position      bigint NOT NULL,
    broker_offset bigint,
    incarnation   text,
    PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE timers (
    timer_id     text        PRIMARY KEY,
    tenant_id    text        NOT NULL,
    due_at       timestamptz NOT NULL,
    purpose      text        NOT NULL,
    payload      jsonb       NOT NULL,
    metadata     jsonb       NOT NULL,
    test_clock   boolean     NOT NULL,
    attempts     int         NOT NULL DEFAULT 0,
    hidden_until timestamptz
);
CREATE INDEX timers_by_system_clock ON timers (due_at) WHERE NOT test_clock;
CREATE INDEX timers_by_test_clock ON timers (tenant_id, due_at) WHERE test_clock;

CREATE TABLE tenant_clocks (
    tenant_id text        PRIMARY KEY,
    now_at    timestamptz NOT NULL
);

-- A row without a status is a claim: somebody is at it, or died.
CREATE TABLE idempotency (
    tenant_id   text        NOT NULL,
    key         text        NOT NULL,
    fingerprint bytea       NOT NULL,
    claimed_at  timestamptz NOT NULL DEFAULT now(),
    status      smallint,
    headers     jsonb,
    body        bytea,
    PRIMARY KEY (tenant_id, key)
);

CREATE TABLE parked (
    consumer    text        NOT NULL,
    topic       text        NOT NULL,
    partition   int         NOT NULL,
    position    bigint      NOT NULL,
    cause       text        NOT NULL,
    context     text        NOT NULL,
    tenant_id   text        NOT NULL,
    stream_id   text        NOT NULL,
    version     bigint      NOT NULL,
    wire_name   text        NOT NULL,
    state       bytea       NOT NULL,
    slot        smallint    NOT NULL,
    event_id    uuid        NOT NULL,
    metadata    jsonb       NOT NULL,
    recorded_at timestamptz NOT NULL,
    previous    bigint      NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, position)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON inbox, timers, tenant_clocks, idempotency, parked TO :app_role;
