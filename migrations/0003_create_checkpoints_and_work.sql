-- How far each follower has come, and the work that followers hand out under leases.

CREATE TABLE atsre.checkpoints (
    name       text        NOT NULL,
    version    integer     NOT NULL,
    position   bigint      NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT checkpoints_pkey PRIMARY KEY (name, version),
    CONSTRAINT checkpoints_position_not_negative CHECK (position >= 0)
) WITH (fillfactor = 50);

CREATE TABLE atsre.projection_failures (
    name      text        NOT NULL,
    version   integer     NOT NULL,
    position  bigint      NOT NULL,
    error     text        NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT projection_failures_pkey PRIMARY KEY (name, version, position)
);

CREATE TABLE atsre.work_items (
    id               uuid        NOT NULL,
    kind             text        NOT NULL,
    stream           text        NOT NULL,
    position         bigint      NOT NULL,
    ordinal          integer     NOT NULL,
    payload          jsonb       NOT NULL,
    state            text        NOT NULL DEFAULT 'ready',
    attempt          integer     NOT NULL DEFAULT 0,
    max_attempts     integer     NOT NULL,
    run_after        timestamptz NOT NULL,
    lease_owner      text,
    lease_epoch      integer     NOT NULL DEFAULT 0,
    lease_expires_at timestamptz,
    last_error       text,
    acknowledged     boolean     NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at         timestamptz,
    CONSTRAINT work_items_pkey PRIMARY KEY (id),
    CONSTRAINT work_items_state_known CHECK (state IN ('ready', 'leased', 'done', 'dead')),
    CONSTRAINT work_items_lease_is_whole
        CHECK ((state = 'leased') = (lease_owner IS NOT NULL AND lease_expires_at IS NOT NULL)),
    CONSTRAINT work_items_max_attempts_positive CHECK (max_attempts >= 1)
);

CREATE INDEX work_items_due ON atsre.work_items (kind, run_after) WHERE state = 'ready';
CREATE INDEX work_items_leased ON atsre.work_items (lease_expires_at) WHERE state = 'leased';
CREATE INDEX work_items_dead ON atsre.work_items (position) WHERE state = 'dead' AND NOT acknowledged;
CREATE INDEX work_items_stream ON atsre.work_items (stream);

CREATE TRIGGER work_items_wake_workers AFTER INSERT ON atsre.work_items
    FOR EACH STATEMENT EXECUTE FUNCTION atsre.wake_followers('work');

GRANT SELECT, INSERT, UPDATE, DELETE ON atsre.checkpoints, atsre.projection_failures, atsre.work_items
    TO atsre_service;
