-- Drops every table, function and type whose name begins with procrastinate_.
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP TABLE IF EXISTS %s CASCADE', c.oid::regclass)
          FROM pg_class c
         WHERE c.relkind IN ('r', 'p') AND c.relname LIKE 'procrastinate\_%' AND c.relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::regprocedure)
          FROM pg_proc p
         WHERE p.proname LIKE 'procrastinate\_%' AND p.pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT format('DROP TYPE IF EXISTS %s CASCADE', t.oid::regtype)
          FROM pg_type t
         WHERE t.typtype = 'e' AND t.typname LIKE 'procrastinate\_%' AND t.typnamespace = 'public'::regnamespace
    LOOP
        EXECUTE statement;
    END LOOP;
    -- Composite types go last: functions return them.
    FOR statement IN
        SELECT format('DROP TYPE IF EXISTS %s CASCADE', t.oid::regtype)
          FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
         WHERE c.relkind = 'c' AND t.typname LIKE 'procrastinate\_%' AND t.typnamespace = 'public'::regnamespace
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
