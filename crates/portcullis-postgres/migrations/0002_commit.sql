-- One commit, all or nothing, in one call. Called in a transaction of its own at READ COMMITTED, where each statement
-- inside sees what was committed before it began; whatever a condition rests on is locked before it is looked at.
--
-- Locks are taken in this order, so that commits wait for each other and never in a circle: the commit id, existing
-- records by id, counters by key, new records by id, keys by value. The caller hands records and counters sorted.
--
-- Refusals are raised, so that nothing is kept: ZC001 a record is not as expected; ZC002 a counter does not allow its
-- step (the detail is its place in p_c_subject); ZC003 a unique key is taken (the detail is its place in p_k_put);
-- ZC004 the session runs at another isolation level.
CREATE FUNCTION portcullis_commit(
    p_now timestamptz,
    p_lock_wait text,
    -- The trail; the first id is the id of the commit.
    p_e_id uuid[],
    p_e_at timestamptz[],
    p_e_tenant uuid[],
    p_e_subject uuid[],
    p_e_actor uuid[],
    p_e_action text[],
    p_e_reason text[],
    p_e_source uuid[],
    p_e_about uuid[],
    -- The records touched, by id: what is done with each (guard, delete, update, insert, once), the version it must
    -- have, and for those written what is stored. References are array literals.
    p_id uuid[],
    p_act text[],
    p_version bigint[],
    p_tenant uuid[],
    p_kind text[],
    p_lane text[],
    p_due_at timestamptz[],
    p_refs text[],
    p_body text[],
    -- For "once": the counter (a place in p_c_subject) that must have reached a value.
    p_at_counter integer[],
    p_at_value bigint[],
    -- The keys of the records written, each with the place of its record in p_id.
    p_k_put integer[],
    p_k_kind text[],
    p_k_name text[],
    p_k_value text[],
    p_k_unique boolean[],
    -- The counters, by subject and name, and the steps on them in the order given. The end is: for a rolling window
    -- now plus its length, for "until" its instant, for "back" the end of the window in which it was added. The latest
    -- is the latest end a stored window may have and still count; NULL means any.
    p_c_subject uuid[],
    p_c_name text[],
    p_s_counter integer[],
    p_s_act text[],
    p_s_n bigint[],
    p_s_limit bigint[],
    p_s_latest timestamptz[],
    p_s_end timestamptz[]
) RETURNS TABLE (count_place integer, count_value integer, count_end timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_rows bigint;
    v_version bigint;
    v_write boolean[] := array_fill(false, ARRAY[cardinality(p_id)]);
    v_touched uuid[] := ARRAY[]::uuid[];
    v_value bigint;
    v_end timestamptz;
    v_open boolean[];
    v_values bigint[];
    v_ends timestamptz[];
    v_changed boolean[];
    v_over boolean;
    v_key record;
    c integer;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'ZC004', MESSAGE = 'portcullis commits at read committed only';
    END IF;
    PERFORM set_config('lock_timeout', p_lock_wait, true);
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;

    -- The commit id comes first: the same commit, also one still under way, is waited for and then not done again.
    INSERT INTO portcullis_audit (id, at, tenant, subject, actor, action, reason, source, about, opens)
    VALUES (p_e_id[1], p_e_at[1], p_e_tenant[1], p_e_subject[1], p_e_actor[1], p_e_action[1], p_e_reason[1],
            p_e_source[1], p_e_about[1], true)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        IF EXISTS (SELECT FROM portcullis_audit a WHERE a.id = p_e_id[1] AND NOT a.opens) THEN
            RAISE EXCEPTION USING ERRCODE = 'ZC001', MESSAGE = 'portcullis: an event exists';
        END IF;
        RETURN QUERY
            SELECT w.n::integer, k.value, k.ends_at
            FROM unnest(p_c_subject, p_c_name) WITH ORDINALITY AS w (subject, name, n)
            JOIN portcullis_counter k ON k.subject = w.subject AND k.name = w.name
            WHERE k.ends_at IS NULL OR k.ends_at > p_now;
        RETURN;
    END IF;
    INSERT INTO portcullis_audit (id, at, tenant, subject, actor, action, reason, source, about, opens)
    SELECT e.id, e.at, e.tenant, e.subject, e.actor, e.action, e.reason, e.source, e.about, false
    FROM unnest(p_e_id, p_e_at, p_e_tenant, p_e_subject, p_e_actor, p_e_action, p_e_reason, p_e_source, p_e_about)
         WITH ORDINALITY AS e (id, at, tenant, subject, actor, action, reason, source, about, n)
    WHERE e.n > 1
    ORDER BY e.id
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    IF v_rows < cardinality(p_e_id) - 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'ZC001', MESSAGE = 'portcullis: an event exists';
    END IF;

    -- Records that exist, by id. A guard shares its lock with other guards and keeps every writer out.
    FOR i IN 1 .. cardinality(p_id) LOOP
        CASE p_act[i]
            WHEN 'delete' THEN
                SELECT r.version INTO v_version FROM portcullis_record r WHERE r.id = p_id[i] FOR UPDATE;
            WHEN 'update' THEN
                SELECT r.version INTO v_version FROM portcullis_record r WHERE r.id = p_id[i] FOR NO KEY UPDATE;
            ELSE
                SELECT r.version INTO v_version FROM portcullis_record r WHERE r.id = p_id[i] FOR SHARE;
        END CASE;
        CASE p_act[i]
            WHEN 'insert' THEN
                IF v_version IS NOT NULL THEN
                    RAISE EXCEPTION USING ERRCODE = 'ZC001', MESSAGE = 'portcullis: a record exists';
                END IF;
                v_write[i] := true;
            WHEN 'once' THEN
                v_write[i] := v_version IS NULL;
            ELSE
                IF v_version IS DISTINCT FROM p_version[i] THEN
                    RAISE EXCEPTION USING ERRCODE = 'ZC001', MESSAGE = 'portcullis: a record changed';
                END IF;
                v_write[i] := p_act[i] = 'update';
        END CASE;
    END LOOP;

    -- Counters, by key: each is locked, and made first if there is none, so that two first adds meet.
    FOR i IN 1 .. cardinality(p_c_subject) LOOP
        LOOP
            SELECT k.value, k.ends_at INTO v_value, v_end FROM portcullis_counter k
            WHERE k.subject = p_c_subject[i] AND k.name = p_c_name[i] FOR UPDATE;
            EXIT WHEN FOUND;
            INSERT INTO portcullis_counter (subject, name, value, ends_at)
            VALUES (p_c_subject[i], p_c_name[i], 0, '-infinity') ON CONFLICT DO NOTHING;
        END LOOP;
        v_open[i] := v_end IS NULL OR v_end > p_now;
        v_values[i] := CASE WHEN v_open[i] THEN v_value ELSE 0 END;
        v_ends[i] := CASE WHEN v_open[i] THEN v_end END;
        v_changed[i] := false;
    END LOOP;

    FOR i IN 1 .. cardinality(p_s_counter) LOOP
        c := p_s_counter[i];
        -- An end further off was written by a clock that has since stepped back.
        IF v_open[c] AND v_ends[c] > p_s_latest[i] THEN
            v_open[c] := false;
            v_values[c] := 0;
            v_ends[c] := NULL;
        END IF;
        CASE p_s_act[i]
            WHEN 'add' THEN
                IF NOT v_open[c] THEN
                    v_open[c] := true;
                    v_ends[c] := p_s_end[i];
                END IF;
                v_values[c] := v_values[c] + p_s_n[i];
                IF v_values[c] > LEAST(p_s_limit[i], 2147483647) THEN
                    RAISE EXCEPTION USING ERRCODE = 'ZC002', MESSAGE = 'portcullis: a limit is reached', DETAIL = c;
                END IF;
                v_changed[c] := true;
            WHEN 'below' THEN
                IF v_values[c] >= p_s_limit[i] THEN
                    RAISE EXCEPTION USING ERRCODE = 'ZC002', MESSAGE = 'portcullis: a limit is reached', DETAIL = c;
                END IF;
            WHEN 'back' THEN
                IF v_open[c] AND v_ends[c] IS NOT DISTINCT FROM p_s_end[i] THEN
                    v_values[c] := GREATEST(v_values[c] - p_s_n[i], 0);
                    v_changed[c] := true;
                END IF;
            WHEN 'clear' THEN
                v_open[c] := false;
                v_values[c] := 0;
                v_ends[c] := NULL;
                v_changed[c] := true;
        END CASE;
    END LOOP;

    FOR i IN 1 .. cardinality(p_c_subject) LOOP
        IF v_changed[i] AND v_open[i] AND (v_ends[i] IS NULL OR v_ends[i] > p_now) THEN
            UPDATE portcullis_counter k SET value = v_values[i], ends_at = v_ends[i]
            WHERE k.subject = p_c_subject[i] AND k.name = p_c_name[i];
        ELSE
            DELETE FROM portcullis_counter k
            WHERE k.subject = p_c_subject[i] AND k.name = p_c_name[i] AND (v_changed[i] OR k.ends_at = '-infinity');
        END IF;
    END LOOP;

    -- New records, by id. Somebody else's of the same id, still under way, is waited for.
    FOR i IN 1 .. cardinality(p_id) LOOP
        CONTINUE WHEN NOT v_write[i] OR p_act[i] = 'update';
        IF p_at_counter[i] IS NOT NULL AND v_values[p_at_counter[i]] < p_at_value[i] THEN
            v_write[i] := false;
            CONTINUE;
        END IF;
        INSERT INTO portcullis_record (id, tenant, kind, version, lane, due_at, refs, body)
        VALUES (p_id[i], p_tenant[i], p_kind[i], 1, p_lane[i], p_due_at[i], p_refs[i]::uuid[], p_body[i])
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            IF p_act[i] = 'insert' THEN
                RAISE EXCEPTION USING ERRCODE = 'ZC001', MESSAGE = 'portcullis: a record exists';
            END IF;
            v_write[i] := false;
        END IF;
    END LOOP;

    FOR i IN 1 .. cardinality(p_id) LOOP
        IF p_act[i] = 'update' THEN
            UPDATE portcullis_record r
            SET version = r.version + 1, lane = p_lane[i], due_at = p_due_at[i], refs = p_refs[i]::uuid[], body = p_body[i]
            WHERE r.id = p_id[i];
        END IF;
        IF v_write[i] OR p_act[i] = 'delete' THEN
            v_touched := v_touched || p_id[i];
        END IF;
    END LOOP;

    -- Keys, by value, and of one value first those that go: a key moves from one record to another in one commit.
    FOR v_key IN
        SELECT COALESCE(h.kind, w.kind) AS kind, COALESCE(h.name, w.name) AS name, COALESCE(h.value, w.value) AS value,
               COALESCE(h.is_unique, w.is_unique) AS is_unique, COALESCE(h.id, w.id) AS id,
               w.id IS NOT NULL AS wanted, w.tenant, w.n
        FROM (SELECT k.* FROM portcullis_key k WHERE k.id = ANY (v_touched)) h
        FULL JOIN (
            SELECT u.kind, u.name, u.value, u.is_unique, p_id[u.put] AS id, p_tenant[u.put] AS tenant, u.n
            FROM unnest(p_k_put, p_k_kind, p_k_name, p_k_value, p_k_unique)
                 WITH ORDINALITY AS u (put, kind, name, value, is_unique, n)
            WHERE v_write[u.put]
        ) w ON w.kind = h.kind AND w.name = h.name AND w.value = h.value AND w.is_unique = h.is_unique AND w.id = h.id
        WHERE h.id IS NULL OR w.id IS NULL
        ORDER BY 1, 2, 3, w.id IS NOT NULL, 5
    LOOP
        IF v_key.wanted THEN
            INSERT INTO portcullis_key (kind, name, value, tenant, id, is_unique)
            VALUES (v_key.kind, v_key.name, v_key.value, v_key.tenant, v_key.id, v_key.is_unique)
            ON CONFLICT (kind, name, value) WHERE is_unique DO NOTHING;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING ERRCODE = 'ZC003', MESSAGE = 'portcullis: a unique key is taken', DETAIL = v_key.n;
            END IF;
        ELSE
            DELETE FROM portcullis_key k
            WHERE k.kind = v_key.kind AND k.name = v_key.name AND k.value = v_key.value
              AND k.is_unique = v_key.is_unique AND k.id = v_key.id;
        END IF;
    END LOOP;

    DELETE FROM portcullis_record r
    WHERE r.id = ANY (SELECT d.id FROM unnest(p_id, p_act) AS d (id, act) WHERE d.act = 'delete');

    RETURN QUERY
        SELECT n::integer, v_values[n]::integer, v_ends[n] FROM generate_series(1, cardinality(p_c_subject)) AS n;
END
$$;

-- Removes records of the lane "dead" that were due before an instant, with their keys. The records are locked before
-- their keys are looked for: a commit may just have given them others.
CREATE FUNCTION portcullis_purge_records(p_before timestamptz, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_ids uuid[];
BEGIN
    SELECT array_agg(d.id) INTO v_ids
    FROM (
        SELECT r.id FROM portcullis_record r WHERE r.lane = 'dead' AND r.due_at < p_before
        ORDER BY r.due_at, r.id LIMIT p_limit FOR UPDATE SKIP LOCKED
    ) d;
    DELETE FROM portcullis_key k WHERE k.id = ANY (v_ids);
    DELETE FROM portcullis_record r WHERE r.id = ANY (v_ids);
    RETURN COALESCE(cardinality(v_ids), 0);
END
$$;
