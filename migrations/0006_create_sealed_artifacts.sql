-- Artifacts that hold observations: encrypted under a key of their data set that lies outside the database. Destroying the
-- key erases them, here and in every copy of this table, while the log and its hashes stay as they are.

-- The hash is of the bytes before they were encrypted, so that events and digests mean what they meant. The same bytes
-- under two keys are two rows: erasing one leaves the other. No check can hold hash and bytes together here; the
-- encryption does (the hash is authenticated with the bytes), and a verification decrypts.
CREATE TABLE atsre.sealed_artifacts (
    hash       bytea       NOT NULL,
    key_id     uuid        NOT NULL,
    dataset    text        NOT NULL,
    media_type text        NOT NULL,
    -- The nonce (24 bytes), then what XChaCha20-Poly1305 makes of the bytes.
    bytes      bytea       NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT sealed_artifacts_pkey PRIMARY KEY (hash, key_id),
    CONSTRAINT sealed_artifacts_hash_is_sha256 CHECK (octet_length(hash) = 32),
    CONSTRAINT sealed_artifacts_has_nonce_and_tag CHECK (octet_length(bytes) >= 40)
);

-- Ciphertext does not compress: trying would only cost time.
ALTER TABLE atsre.sealed_artifacts ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE INDEX sealed_artifacts_dataset ON atsre.sealed_artifacts (dataset, key_id);

CREATE TRIGGER sealed_artifacts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atsre.sealed_artifacts
    FOR EACH STATEMENT EXECUTE FUNCTION atsre.refuse_change();

GRANT SELECT, INSERT ON atsre.sealed_artifacts TO atsre_service;

-- Whoever misses an artifact asks whether it was erased: a handful of events, found without reading the log.
CREATE INDEX events_erasures ON atsre.events (position) WHERE event_type IN ('DatasetErased', 'InputErased');
