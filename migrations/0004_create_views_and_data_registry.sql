-- The tables of cqrs-es and postgres-es, and the register of raw and clean data tables.

-- In the shape that cqrs-es expects. Snapshots are a cache: deleting them all loses nothing.
CREATE TABLE atsre.snapshots (
    aggregate_type   text   NOT NULL,
    aggregate_id     text   NOT NULL,
    last_sequence    bigint NOT NULL,
    current_snapshot bigint NOT NULL,
    payload          json   NOT NULL,
    CONSTRAINT snapshots_pkey PRIMARY KEY (aggregate_type, aggregate_id, last_sequence)
);

-- In the shape that postgres-es' PostgresViewRepository expects. A hint for the operator, never evidence:
-- it is written after the commit, by the process that committed, as well as it can.
CREATE TABLE atsre.node_status (
    view_id text   NOT NULL,
    version bigint NOT NULL,
    payload json   NOT NULL,
    CONSTRAINT node_status_pkey PRIMARY KEY (view_id)
);

-- Which table in schema raw or clean holds which version of which data set, and what its columns were called.
CREATE TABLE atsre.data_tables (
    table_schema text        NOT NULL,
    table_name   text        NOT NULL,
    stream       text        NOT NULL,
    version      integer     NOT NULL,
    row_count    bigint      NOT NULL,
    digest       bytea       NOT NULL,
    description  json        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT data_tables_pkey PRIMARY KEY (table_schema, table_name),
    CONSTRAINT data_tables_one_per_version UNIQUE (table_schema, stream, version)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON atsre.snapshots, atsre.node_status TO atsre_service;
GRANT SELECT, INSERT, DELETE ON atsre.data_tables TO atsre_service;
