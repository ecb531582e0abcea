-- Bytes stored once under their SHA-256, and the anchors that prove which log the database held when.

CREATE TABLE atsre.artifacts (
    hash       bytea       NOT NULL,
    media_type text        NOT NULL,
    bytes      bytea       NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT artifacts_pkey PRIMARY KEY (hash),
    CONSTRAINT artifacts_hash_is_of_bytes CHECK (hash = sha256(bytes))
);

CREATE TABLE atsre.anchors (
    position    bigint      NOT NULL,
    log_hash    bytea       NOT NULL,
    signature   bytea,
    anchored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT anchors_pkey PRIMARY KEY (position)
);

CREATE TRIGGER artifacts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atsre.artifacts
    FOR EACH STATEMENT EXECUTE FUNCTION atsre.refuse_change();
CREATE TRIGGER anchors_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atsre.anchors
    FOR EACH STATEMENT EXECUTE FUNCTION atsre.refuse_change();

GRANT SELECT, INSERT ON atsre.artifacts, atsre.anchors TO atsre_service;
