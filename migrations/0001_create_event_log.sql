-- The event log: one total order, sealed by two hash chains, append-only.
--
-- Runs as atsre_owner inside schema atsre, which the bootstrap has made together with the roles.
-- The recipe of the hashes is implemented a second time in store/src/hash.rs; a test keeps the two equal.

-- The only hot row. fillfactor 10 leaves room on its page, so that its updates stay HOT.
CREATE TABLE atsre.log_head (
    id          integer     NOT NULL DEFAULT 1,
    position    bigint      NOT NULL,
    log_hash    bytea       NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT log_head_pkey PRIMARY KEY (id),
    CONSTRAINT log_head_is_one_row CHECK (id = 1)
) WITH (fillfactor = 10);

INSERT INTO atsre.log_head (id, position, log_hash, recorded_at)
VALUES (1, 0, sha256('\x02'::bytea), to_timestamp(0));

-- json, not jsonb: the stored text is byte-exact, which is what the hash is taken over.
-- event_version is text because cqrs-es says so; it holds a plain integer.
CREATE TABLE atsre.events (
    aggregate_type text        NOT NULL,
    aggregate_id   text        NOT NULL,
    sequence       bigint      NOT NULL,
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    payload        json        NOT NULL,
    metadata       json        NOT NULL,
    position       bigint      NOT NULL,
    recorded_at    timestamptz NOT NULL,
    prev_hash      bytea       NOT NULL,
    hash           bytea       NOT NULL,
    log_hash       bytea       NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (aggregate_type, aggregate_id, sequence),
    CONSTRAINT events_position_key UNIQUE (position),
    CONSTRAINT events_sequence_fits CHECK (sequence BETWEEN 1 AND 2147483647),
    CONSTRAINT events_version_is_an_integer CHECK (event_version ~ '^[1-9][0-9]{0,8}$')
) WITH (fillfactor = 100, autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE INDEX events_recorded_at_brin ON atsre.events USING brin (recorded_at);

-- A fork shares its parent's prefix: reading the child goes on in the parent at and below fork_sequence.
CREATE TABLE atsre.stream_lineage (
    child              text        NOT NULL,
    aggregate_type     text        NOT NULL,
    parent             text        NOT NULL,
    fork_sequence      bigint      NOT NULL,
    parent_hash        bytea       NOT NULL,
    forked_at_position bigint      NOT NULL,
    forked_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT stream_lineage_pkey PRIMARY KEY (child),
    CONSTRAINT stream_lineage_not_of_itself CHECK (child <> parent),
    CONSTRAINT stream_lineage_sequence_positive CHECK (fork_sequence >= 1)
);

CREATE INDEX stream_lineage_parent ON atsre.stream_lineage (parent);

-- A length prefix, without which two neighbouring fields could trade bytes.
CREATE FUNCTION atsre.frame(field text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog
    RETURN int8send(octet_length(convert_to(field, 'UTF8'))::bigint) || convert_to(field, 'UTF8');

-- Seals one event: position, chain of its stream, running hash of the log. SECURITY DEFINER, because the
-- service may insert events but must not write log_head itself.
CREATE FUNCTION atsre.seal_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    head         record;
    lineage      record;
    field        bytea;
    framed_type  bytea := convert_to(NEW.event_type, 'UTF8');
    framed_ver   bytea := convert_to(NEW.event_version, 'UTF8');
    framed_load  bytea := convert_to(NEW.payload::text, 'UTF8');
    framed_meta  bytea := convert_to(NEW.metadata::text, 'UTF8');
BEGIN
    -- Everything from here to the commit is serial: this lock is what makes positions gapless and ordered.
    SELECT h.position, h.log_hash, h.recorded_at INTO STRICT head
      FROM atsre.log_head h WHERE h.id = 1 FOR UPDATE;

    NEW.position    := head.position + 1;
    NEW.recorded_at := greatest(head.recorded_at, clock_timestamp());

    SELECT e.hash INTO NEW.prev_hash
      FROM atsre.events e
     WHERE e.aggregate_type = NEW.aggregate_type
       AND e.aggregate_id = NEW.aggregate_id
       AND e.sequence = NEW.sequence - 1;
    IF NOT FOUND THEN
        SELECT l.fork_sequence, l.parent_hash INTO lineage
          FROM atsre.stream_lineage l
         WHERE l.child = NEW.aggregate_id AND l.aggregate_type = NEW.aggregate_type;
        IF FOUND THEN
            IF NEW.sequence <= lineage.fork_sequence THEN
                RAISE EXCEPTION 'stream % has sequence % through its parent', NEW.aggregate_id, NEW.sequence
                    USING ERRCODE = 'unique_violation';
            ELSIF NEW.sequence > lineage.fork_sequence + 1 THEN
                RAISE EXCEPTION 'stream % has no event before sequence %', NEW.aggregate_id, NEW.sequence
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            NEW.prev_hash := lineage.parent_hash;
        ELSIF NEW.sequence = 1 THEN
            NEW.prev_hash := sha256('\x00'::bytea || atsre.frame(NEW.aggregate_type) || atsre.frame(NEW.aggregate_id));
        ELSE
            RAISE EXCEPTION 'stream % has no event before sequence %', NEW.aggregate_id, NEW.sequence
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;

    NEW.hash := sha256(
        '\x01'::bytea || NEW.prev_hash || int8send(NEW.sequence)
        || int8send(octet_length(framed_type)::bigint) || framed_type
        || int8send(octet_length(framed_ver)::bigint) || framed_ver
        || int8send(octet_length(framed_load)::bigint) || framed_load
        || int8send(octet_length(framed_meta)::bigint) || framed_meta
        || int8send((extract(epoch FROM NEW.recorded_at) * 1000000)::bigint));
    NEW.log_hash := sha256('\x02'::bytea || head.log_hash || int8send(NEW.position) || NEW.hash);

    UPDATE atsre.log_head h
       SET position = NEW.position, log_hash = NEW.log_hash, recorded_at = NEW.recorded_at
     WHERE h.id = 1;
    RETURN NEW;
END
$$;

CREATE TRIGGER events_seal BEFORE INSERT ON atsre.events
    FOR EACH ROW EXECUTE FUNCTION atsre.seal_event();

-- Refuses whatever is not an insert. Statement-level, so that it refuses even where no row would be touched.
CREATE FUNCTION atsre.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog
AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: the log is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atsre.events
    FOR EACH STATEMENT EXECUTE FUNCTION atsre.refuse_change();
CREATE TRIGGER stream_lineage_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atsre.stream_lineage
    FOR EACH STATEMENT EXECUTE FUNCTION atsre.refuse_change();

-- A wake-up, not a message: it carries nothing, and followers read by position.
CREATE FUNCTION atsre.wake_followers() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog
AS $$
BEGIN
    PERFORM pg_notify(TG_ARGV[0], '');
    RETURN NULL;
END
$$;

CREATE TRIGGER events_wake_followers AFTER INSERT ON atsre.events
    FOR EACH STATEMENT EXECUTE FUNCTION atsre.wake_followers('events');

REVOKE ALL ON FUNCTION atsre.seal_event() FROM PUBLIC;
GRANT SELECT ON atsre.log_head TO atsre_service;
GRANT SELECT, INSERT ON atsre.events, atsre.stream_lineage TO atsre_service;
