-- A fork is decided on what was decided before it. Telemetry is the bulk of a long experiment's events and no decision
-- rests on it: this index finds the rest of a stream without passing it by.
CREATE INDEX events_without_telemetry ON atsre.events (aggregate_id, sequence) WHERE event_type <> 'ResourceSampled';

-- Experiments that an evidence bundle brought: their history is kept, and nobody here goes on with it.
CREATE TABLE atsre.imported_streams (
    stream text PRIMARY KEY,
    imported_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT ON atsre.imported_streams TO atsre_service;
