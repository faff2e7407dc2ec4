-- Records, their keys, counters, the trail and the marks. Text compares byte-wise everywhere: folding is the core's.

CREATE TABLE portcullis_record (
    id      uuid PRIMARY KEY,
    tenant  uuid NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    lane    text COLLATE "C",
    due_at  timestamptz,
    refs    uuid[] NOT NULL,
    body    text NOT NULL,
    CHECK ((lane IS NULL) = (due_at IS NULL))
);

-- A claim and a purge take the earliest of a lane.
CREATE INDEX portcullis_record_due ON portcullis_record (lane, due_at, id) WHERE lane IS NOT NULL;

-- No foreign key to the record: portcullis_commit and portcullis_purge_records are the only writers and keep both,
-- and the two tables may be distributed by different columns.
CREATE TABLE portcullis_key (
    kind      text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    value     text COLLATE "C" NOT NULL,
    tenant    uuid NOT NULL,
    id        uuid NOT NULL,
    is_unique boolean NOT NULL,
    PRIMARY KEY (kind, name, value, is_unique, id)
);

CREATE UNIQUE INDEX portcullis_key_unique ON portcullis_key (kind, name, value) WHERE is_unique;
CREATE INDEX portcullis_key_id ON portcullis_key (id);

-- A row exists while the window is open; without a row the value is 0 and the next add opens a window.
CREATE TABLE portcullis_counter (
    subject uuid NOT NULL,
    name    text COLLATE "C" NOT NULL,
    value   integer NOT NULL CHECK (value >= 0),
    ends_at timestamptz,
    PRIMARY KEY (subject, name)
);

CREATE INDEX portcullis_counter_end ON portcullis_counter (ends_at) WHERE ends_at IS NOT NULL;

-- The id of a commit's first event is the id of the commit: that line opens it. A commit without an event of that id
-- leaves a line with an empty action, which belongs to no trail.
CREATE TABLE portcullis_audit (
    id      uuid PRIMARY KEY,
    at      timestamptz NOT NULL,
    tenant  uuid NOT NULL,
    subject uuid NOT NULL,
    actor   uuid,
    action  text COLLATE "C" NOT NULL,
    reason  text COLLATE "C",
    source  uuid,
    about   uuid,
    opens   boolean NOT NULL
);

CREATE INDEX portcullis_audit_subject ON portcullis_audit (subject, id) WHERE action <> '';
CREATE INDEX portcullis_audit_at ON portcullis_audit (at);

-- What a host wants to know about the whole database, such as that it is for development.
CREATE TABLE portcullis_mark (
    name  text COLLATE "C" PRIMARY KEY,
    value text COLLATE "C" NOT NULL
);
