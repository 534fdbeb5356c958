-- The target of a test clock is removed only where the clock has reached it. After a restore a context may follow several
-- advances again: until it is where the clock is, the end of an earlier one must not let commands through.
CREATE OR REPLACE FUNCTION set_test_clocks(clocks jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tenant_clocks AS clock (tenant_id, now_at, target_at)
    SELECT key, (value ->> 'now')::timestamptz, (value ->> 'target')::timestamptz FROM jsonb_each(clocks)
        ON CONFLICT (tenant_id) DO UPDATE
       SET now_at = greatest(clock.now_at, excluded.now_at),
           target_at = CASE WHEN excluded.target_at IS NOT NULL THEN greatest(clock.target_at, excluded.target_at)
                            WHEN clocks -> clock.tenant_id ? 'target'
                                 AND clock.target_at <= greatest(clock.now_at, excluded.now_at) THEN NULL
                            ELSE clock.target_at END
$$;
