-- Views for people: what is kept, without what is secret or sealed. The columns are those that the core names for each
-- kind of record. Who may read a view needs no right on the tables.

CREATE VIEW portcullis_accounts AS SELECT
    r.id,
    r.tenant,
    r.version,
    r.body::json #>> '{name}' AS name,
    (r.body::json #>> '{blocked}')::boolean AS blocked,
    (r.body::json #>> '{lifts}')::bigint AS lifts,
    (r.body::json #>> '{dealer}')::boolean AS dealer,
    r.body::json #>> '{plan}' AS plan,
    r.body::json #> '{days}' AS days,
    r.body::json #> '{balance}' AS balance,
    r.body::json #> '{plans}' AS plans,
    r.body::json #>> '{time_zone}' AS time_zone,
    r.body::json #> '{ancestors}' AS ancestors,
    r.body::json #> '{services}' AS services,
    r.body::json #> '{rights}' AS rights,
    (r.body::json #>> '{created_at}')::timestamptz AS created_at
FROM portcullis_record r WHERE r.kind = 'account';

CREATE VIEW portcullis_users AS SELECT
    r.id,
    r.tenant,
    r.version,
    (r.body::json #>> '{account}')::uuid AS account,
    r.body::json #>> '{login}' AS login,
    r.body::json #>> '{external_id}' AS external_id,
    r.body::json #>> '{email,address}' AS email,
    (r.body::json #>> '{email,confirmed_at}')::timestamptz AS email_confirmed_at,
    r.body::json #>> '{pending_email,address}' AS pending_email,
    r.body::json #>> '{phone}' AS phone,
    (r.body::json #>> '{recovered_by_mail}')::boolean AS recovered_by_mail,
    r.body::json #>> '{two_factor}' AS two_factor,
    (r.body::json #>> '{disabled}')::boolean AS disabled,
    (r.body::json #>> '{password_changed_at}')::timestamptz AS password_changed_at,
    r.body::json #> '{flags}' AS flags,
    r.body::json #> '{rights}' AS rights,
    (r.body::json #>> '{credential_version}')::bigint AS credential_version,
    r.body::json #>> '{language}' AS language,
    r.body::json #>> '{time_zone}' AS time_zone,
    (r.body::json #>> '{blocking_notices}')::boolean AS blocking_notices,
    (r.body::json #>> '{created_at}')::timestamptz AS created_at
FROM portcullis_record r WHERE r.kind = 'user';

CREATE VIEW portcullis_sessions AS SELECT
    r.id,
    r.tenant,
    r.version,
    (r.body::json #>> '{user}')::uuid AS user_id,
    r.body::json #>> '{assurance}' AS assurance,
    (r.body::json #>> '{credential_version}')::bigint AS credential_version,
    (r.body::json #>> '{signed_in_at}')::timestamptz AS signed_in_at,
    (r.body::json #>> '{fresh_until}')::timestamptz AS fresh_until,
    (r.body::json #>> '{used_at}')::timestamptz AS used_at,
    (r.body::json #>> '{idle_until}')::timestamptz AS idle_until,
    (r.body::json #>> '{ends_at}')::timestamptz AS ends_at
FROM portcullis_record r WHERE r.kind = 'session';

CREATE VIEW portcullis_challenges AS SELECT
    r.id,
    r.tenant,
    r.version,
    (r.body::json #>> '{user}')::uuid AS user_id,
    r.body::json #>> '{purpose}' AS purpose,
    r.body::json #>> '{state}' AS state,
    (r.body::json #>> '{issue}')::bigint AS sends,
    (r.body::json #>> '{created_at}')::timestamptz AS created_at,
    (r.body::json #>> '{issued_at}')::timestamptz AS issued_at,
    (r.body::json #>> '{expires_at}')::timestamptz AS expires_at,
    (r.body::json #>> '{kept_until}')::timestamptz AS kept_until
FROM portcullis_record r WHERE r.kind = 'challenge';

CREATE VIEW portcullis_messages AS SELECT
    r.id,
    r.tenant,
    r.version,
    (r.body::json #>> '{user}')::uuid AS user_id,
    r.body::json #>> '{kind}' AS kind,
    r.body::json #>> '{to}' AS destination,
    r.body::json #>> '{channel}' AS channel,
    r.body::json #>> '{delivery}' AS delivery,
    (r.body::json #>> '{bulk}')::boolean AS bulk,
    r.body::json #>> '{outcome}' AS outcome,
    (r.body::json #>> '{tries}')::bigint AS tries,
    (r.body::json #>> '{valid_until}')::timestamptz AS valid_until,
    r.body::json #>> '{day}' AS day,
    (r.body::json #>> '{created_at}')::timestamptz AS created_at,
    (r.body::json #>> '{due_at}')::timestamptz AS due_at
FROM portcullis_record r WHERE r.kind = 'message';

CREATE VIEW portcullis_recovery_requests AS SELECT
    r.id,
    r.tenant,
    r.version,
    (r.body::json #>> '{created_at}')::timestamptz AS created_at,
    (r.body::json #>> '{due_at}')::timestamptz AS due_at
FROM portcullis_record r WHERE r.kind = 'recovery_request';

CREATE VIEW portcullis_notice_schedules AS SELECT
    r.id,
    r.tenant,
    r.version,
    (r.body::json #>> '{account}')::uuid AS account,
    (r.body::json #>> '{blocks_at}')::timestamptz AS blocks_at,
    r.body::json #> '{walk}' AS walk,
    (r.body::json #>> '{due_at}')::timestamptz AS due_at
FROM portcullis_record r WHERE r.kind = 'notice_schedule';

CREATE VIEW portcullis_payments AS SELECT
    r.id,
    r.tenant,
    r.version,
    (r.body::json #>> '{account}')::uuid AS account,
    (r.body::json #>> '{days}')::bigint AS days,
    (r.body::json #>> '{amount}')::bigint AS amount,
    r.body::json #>> '{comment}' AS comment,
    (r.body::json #>> '{by}')::uuid AS by_user,
    (r.body::json #>> '{at}')::timestamptz AS "at"
FROM portcullis_record r WHERE r.kind = 'payment';

CREATE VIEW portcullis_flespi_connections AS SELECT
    r.id,
    r.tenant,
    r.version,
    (r.body::json #>> '{user}')::uuid AS user_id,
    r.body::json #>> '{connected,region}' AS region,
    r.body::json #>> '{connected,kind}' AS token_kind,
    r.body::json #>> '{connected,source}' AS source,
    (r.body::json #>> '{connected,obtained_at}')::timestamptz AS obtained_at,
    (r.body::json #>> '{connected,expires_at}')::timestamptz AS expires_at,
    r.body::json #> '{connected,last_check}' AS last_check,
    (r.body::json #>> '{connecting,began_at}')::timestamptz AS issuing_since,
    (r.body::json #>> '{work_at}')::timestamptz AS work_at,
    (r.body::json #>> '{notice_at}')::timestamptz AS notice_at
FROM portcullis_record r WHERE r.kind = 'flespi_connection';

-- What waits for a worker, the earliest first, and what is over and waits to be purged.
CREATE VIEW portcullis_due AS
SELECT r.lane, r.due_at, r.kind, r.id, r.tenant, r.version
FROM portcullis_record r WHERE r.lane IS NOT NULL
ORDER BY r.lane, r.due_at, r.id;

-- The trail; a line without an action only keeps the id of a commit.
CREATE VIEW portcullis_trail AS
SELECT a.id, a.at, a.tenant, a.subject, a.actor, a.action, a.reason, a.source, a.about
FROM portcullis_audit a WHERE a.action <> '';

-- The functions find their tables where they were made, whatever the caller's search path is.
ALTER FUNCTION portcullis_commit SET search_path FROM CURRENT;
ALTER FUNCTION portcullis_purge_records SET search_path FROM CURRENT;
