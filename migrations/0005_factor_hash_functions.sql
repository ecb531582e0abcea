-- The recipe of the hashes, as functions: the trigger seals events with them, and a verification asks with them for the
-- database's own answer. From here on this is the one place where SQL holds the recipe; store/src/hash.rs is the second
-- implementation, and a test keeps the two equal.
--
-- A function with a SET clause, or one that is called immutable and calls convert_to (which is stable), is not inlined; the
-- calls would cost more than the hashing. So these have neither, and name what they call with its schema.

CREATE OR REPLACE FUNCTION atsre.frame(field text) RETURNS bytea
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
AS $$
    SELECT pg_catalog.int8send(pg_catalog.octet_length(pg_catalog.convert_to(field, 'UTF8'))::bigint)
        || pg_catalog.convert_to(field, 'UTF8')
$$;

-- What the first event of a stream follows: binds the chain to the stream's name.
CREATE FUNCTION atsre.genesis_hash(stream_type text, stream text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.sha256('\x00'::bytea || atsre.frame(stream_type) || atsre.frame(stream))
$$;

-- The hash of one event.
CREATE FUNCTION atsre.event_hash(
    prev_hash bytea, sequence bigint, event_type text, event_version text, payload text, metadata text,
    recorded_at timestamptz
) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.sha256(
        '\x01'::bytea || prev_hash || pg_catalog.int8send(sequence)
        || atsre.frame(event_type) || atsre.frame(event_version) || atsre.frame(payload) || atsre.frame(metadata)
        || pg_catalog.int8send((extract(epoch FROM recorded_at) * 1000000)::bigint))
$$;

-- The running hash of the log after the event at a position.
CREATE FUNCTION atsre.log_hash_after(log_hash_before bytea, "position" bigint, event_hash bytea) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.sha256('\x02'::bytea || log_hash_before || pg_catalog.int8send("position") || event_hash)
$$;

-- As before, but for where the hashes come from.
CREATE OR REPLACE FUNCTION atsre.seal_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    head         record;
    lineage      record;
    payload_text text := NEW.payload::text;
    meta_text    text := NEW.metadata::text;
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
            NEW.prev_hash := atsre.genesis_hash(NEW.aggregate_type, NEW.aggregate_id);
        ELSE
            RAISE EXCEPTION 'stream % has no event before sequence %', NEW.aggregate_id, NEW.sequence
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;

    NEW.hash := atsre.event_hash(
        NEW.prev_hash, NEW.sequence, NEW.event_type, NEW.event_version, payload_text, meta_text, NEW.recorded_at);
    NEW.log_hash := atsre.log_hash_after(head.log_hash, NEW.position, NEW.hash);

    UPDATE atsre.log_head h
       SET position = NEW.position, log_hash = NEW.log_hash, recorded_at = NEW.recorded_at
     WHERE h.id = 1;
    RETURN NEW;
END
$$;
