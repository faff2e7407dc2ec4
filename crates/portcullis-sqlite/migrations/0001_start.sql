-- Everything portcullis keeps. Text compares byte by byte (BINARY); times are microseconds since 1970, UTC.

CREATE TABLE portcullis_record (
    id      BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant  BLOB    NOT NULL CHECK (length(tenant) = 16),
    kind    TEXT    NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    lane    TEXT,
    due_at  INTEGER,
    -- A JSON array of ids as 32 hexadecimal digits.
    refs    TEXT    NOT NULL,
    -- A JSON array of [kind, name, value, is_unique]: what portcullis_key holds of this record.
    keys    TEXT    NOT NULL,
    body    TEXT    NOT NULL,
    CHECK ((lane IS NULL) = (due_at IS NULL))
) STRICT;

CREATE INDEX portcullis_record_due ON portcullis_record (lane, due_at, id) WHERE lane IS NOT NULL;

CREATE TABLE portcullis_key (
    kind      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    id        BLOB    NOT NULL CHECK (length(id) = 16),
    tenant    BLOB    NOT NULL CHECK (length(tenant) = 16),
    is_unique INTEGER NOT NULL CHECK (is_unique IN (0, 1)),
    PRIMARY KEY (kind, name, value, is_unique, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX portcullis_key_unique ON portcullis_key (kind, name, value) WHERE is_unique = 1;

CREATE TABLE portcullis_counter (
    subject BLOB    NOT NULL CHECK (length(subject) = 16),
    name    TEXT    NOT NULL,
    value   INTEGER NOT NULL CHECK (value >= 0),
    -- When the window ends; NULL means never.
    ends_at INTEGER,
    PRIMARY KEY (subject, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX portcullis_counter_end ON portcullis_counter (ends_at) WHERE ends_at IS NOT NULL;

CREATE TABLE portcullis_audit (
    id      BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at      INTEGER NOT NULL,
    tenant  BLOB    NOT NULL CHECK (length(tenant) = 16),
    subject BLOB    NOT NULL CHECK (length(subject) = 16),
    actor   BLOB,
    action  TEXT    NOT NULL,
    reason  TEXT,
    source  BLOB,
    about   BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX portcullis_audit_subject ON portcullis_audit (subject, id);
CREATE INDEX portcullis_audit_at ON portcullis_audit (at);

-- The ids of commits that are not the id of an audit event.
CREATE TABLE portcullis_commit (
    id BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX portcullis_commit_at ON portcullis_commit (at);

CREATE TABLE portcullis_mark (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
