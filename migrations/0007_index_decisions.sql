-- A fork is decided on what was decided before it. Telemetry is the bulk of a long experiment's events and no decision
-- rests on it: this index finds the rest of a stream without passing it by.
CREATE INDEX events_without_telemetry ON atsre.events (aggregate_id, sequence) WHERE event_type <> 'ResourceSampled';
