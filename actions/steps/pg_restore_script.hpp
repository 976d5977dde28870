// What the pg_restore step asks of psql and pg_restore: POSIX shell after database_prelude, its
// values are positional parameters. A backup goes into a new database first; the current one keeps
// its name, and everybody who works in it, until that one has proved itself.
#pragma once

namespace rollbackd {

/// $1 maintenance database, $2 id of this step of this run. Names of the three databases.
inline constexpr char const* pg_restore_names = R"sh(
need pg_restore gzip
target=${PGDATABASE:-$PGUSER}
export PGDATABASE=$1
id=$2
case $target in ''|*[!A-Za-z0-9._-]*)
    echo "\"$target\": a database whose name has more than letters, digits and ._- cannot be swapped" >&2
    exit 10 ;;
esac
new=$(printf '%.36s_new_%s' "$target" "$id") old=$(printf '%.36s_before_%s' "$target" "$id")
# SQL from standard input, with the names as :"target" and :'target'.
named() { run_psql -v target="$target" -v new="$new" -v old="$old" -v mark="rollbackd $id" -f -; }
exists() {
    [ "$(run_psql -v name="$1" -f - <<'SQL'
SELECT count(*) FROM pg_database WHERE datname = :'name';
SQL
)" = 1 ]
}
)sh";

/// Rights and space. The disk of a server on this machine can be measured, another's cannot.
inline constexpr char const* pg_restore_ready = R"sh(
right=$(named <<'SQL'
SELECT r.rolsuper OR (r.rolcreatedb AND coalesce(
    (SELECT pg_has_role(d.datdba, 'USAGE') FROM pg_database d WHERE d.datname = :'target'), true))
FROM pg_roles r WHERE r.rolname = current_user;
SQL
) || exit 68
[ "$right" = t ] || {
    echo "$(ask_one 'SELECT current_user') may not create databases, or does not own $target" >&2
    exit 69
}
if exists "$old"; then
    echo "$old is there already: this step has been done; rename or drop it first" >&2
    exit 10
fi
where=$(ask_one "SELECT current_setting('data_directory') WHERE pg_has_role('pg_read_all_settings', 'USAGE')
    AND (inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1')")
if [ -n "$where" ] && measures=$(stat -f -c '%a %S' -- "$where" 2>/dev/null) && exists "$target"; then
    free=$((${measures% *} * ${measures#* }))
    size=$(named <<'SQL'
SELECT pg_database_size(:'target');
SQL
)
    if [ "${size:-0}" -gt "$free" ]; then
        echo "$where: $free bytes are free; a second $target needs about $size" >&2
        exit 73
    fi
fi
)sh";

/// $3 backup. It is there, and begins as backups do.
inline constexpr char const* pg_restore_readable = R"sh(
backup=$3
[ -f "$backup" ] && [ -r "$backup" ] || { echo "$backup: no file that $(id -un) can read" >&2; exit 20; }
[ -s "$backup" ] || { echo "$backup is empty" >&2; exit 20; }
)sh";

/// Exit 20: this backup cannot be used, another may. What is on standard input after the connection
/// is psql's: the questions the restored database must answer, and what is changed in it.
inline constexpr char const* pg_restore_act = R"sh(
forget_new() { named <<'SQL'
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"new";
SQL
}
forget_new || exit 10
useless() { echo "$backup: $1" >&2; exit 20; }
trap 'code=$?; if [ "$code" -ne 0 ]; then forget_new; fi; exit "$code"' EXIT
trap 'exit 143' TERM INT HUP
case $(head -c 2 -- "$backup" | od -An -tx1 | tr -d ' \n') in
    1f8b)
        gzip -t <"$backup" || useless "its compression is damaged"
        content() { gzip -dc <"$backup"; } ;;
    *) content() { cat <"$backup"; } ;;
esac
case $(content 2>/dev/null | head -c 5) in
    PGDMP)
        format=custom
        content | pg_restore --list >/dev/null || useless "pg_restore cannot read it" ;;
    *)
        format=plain
        if content | head -n 5 | grep -q '^-- PostgreSQL database dump'; then
            content | tail -n 20 | grep -q '^-- PostgreSQL database dump complete' ||
                useless "it is cut short"
        fi
        # One made with --create would leave the new database for the current one.
        content | grep -Eq '^\\c(onnect)? ' &&
            useless "it names the database it goes into (pg_dump --create)" ;;
esac
named <<'SQL' || exit 10
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
        :'new', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype)
    || CASE WHEN to_jsonb(d)->>'datlocprovider' = 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L',
        coalesce(to_jsonb(d)->>'daticulocale', to_jsonb(d)->>'datlocale')) ELSE '' END
FROM pg_database d WHERE datname = :'target'
UNION ALL SELECT format('CREATE DATABASE %I TEMPLATE template0', :'new')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'target') \gexec
-- What belongs to the database itself is in no dump of it: who may connect, and its settings.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'new')
FROM pg_database WHERE datname = :'target' AND datacl IS NOT NULL \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, :'new',
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = :'target' AND a.grantee <> d.datdba \gexec
SELECT format('ALTER %s SET %I TO %s', CASE WHEN s.setrole = 0 THEN format('DATABASE %I', :'new')
        ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), :'new') END,
    split_part(one, '=', 1), CASE WHEN split_part(one, '=', 1) IN ('search_path', 'temp_tablespaces',
        'local_preload_libraries', 'session_preload_libraries') THEN substr(one, strpos(one, '=') + 1)
        ELSE quote_literal(substr(one, strpos(one, '=') + 1)) END)
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) one
WHERE d.datname = :'target' \gexec
SQL
in_new() { PGDATABASE=$new run_psql "$@"; }
if [ "$format" = custom ]; then
    owners=--no-owner
    [ "$(ask_one 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')" = t ] && owners=
    content | pg_restore -w --exit-on-error --single-transaction $owners --dbname="$new" ||
        useless "it cannot be restored"
else
    content | in_new -1 -o /dev/null -f - || useless "it cannot be restored"
fi
tables=$(in_new -c "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')" </dev/null)
[ "${tables:-0}" -gt 0 ] || useless "it holds no table"
said=$(in_new -f - 2>&1 >/dev/null) || {
    code=$?
    printf '%s\n' "$said" >&2
    case $said in *'rollbackd prepares'*) exit 11 ;; esac
    [ "$code" = 3 ] && useless "what it holds is not as expected"
    exit 11
}
in_new -c "SET client_min_messages = error" -c ANALYZE </dev/null || exit 11
echo "$backup is restored in $new and holds what it must ($tables tables)" >&2
)sh";

/// Gives the new database the name, in one transaction. While that waits no new connection gets in,
/// and the ones that are in are ended.
inline constexpr char const* pg_restore_swap = R"sh(
if exists "$old"; then echo "$old"; exit 0; fi
exists "$new" || { echo "$new is gone; nothing was swapped" >&2; exit 11; }
if ! exists "$target"; then
    named <<'SQL' || exit 11
BEGIN;
ALTER DATABASE :"new" RENAME TO :"target";
COMMENT ON DATABASE :"target" IS :'mark';
COMMIT;
SQL
    echo "there was no $target; now there is" >&2
    exit 0
fi
end_connections() { named >/dev/null 2>&1 <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'target';
SQL
}
(while :; do end_connections; sleep 0.1; done) &
helper=$!
trap 'kill "$helper" 2>/dev/null' EXIT
trap 'exit 143' TERM INT HUP
tries=0
until named <<'SQL'
BEGIN;
ALTER DATABASE :"target" RENAME TO :"old";
ALTER DATABASE :"new" RENAME TO :"target";
COMMIT;
SQL
do
    exists "$old" && break
    tries=$((tries + 1))
    [ "$tries" -lt 5 ] || { echo "$target could not be swapped and is as it was" >&2; exit 11; }
done
echo "$target is the restored one; what it was is kept as $old, drop it when nobody needs it" >&2
echo "$old"
)sh";

/// After the three names the tables. Their rows are replaced by those of the new database in one
/// transaction, nobody else in them meanwhile; and taken back where a foreign key, theirs or one
/// that points to them, would not hold. Standard input: \set table_1, … of psql.
inline constexpr char const* pg_restore_tables = R"sh(
shift 3
need pg_dump
exists "$new" || { echo "$new is gone; nothing was copied" >&2; exit 11; }
sets=$(cat)
count=$#
while [ "$count" -gt 0 ]; do
    set -- "$@" --table="$1"
    shift
    count=$((count - 1))
done
data=$(mktemp) && text=$(mktemp) || exit 10
trap 'rm -f -- "$data" "$text"' EXIT
trap 'exit 143' TERM INT HUP
PGDATABASE=$new pg_dump -w --data-only --file="$data" "$@" </dev/null || exit 11
cat >"$text" <<SQL
$sets
BEGIN;
SET LOCAL session_replication_role = replica;
CREATE TEMPORARY TABLE rollbackd_tables (number serial, name regclass) ON COMMIT DROP;
INSERT INTO rollbackd_tables (name) SELECT one::regclass FROM regexp_split_to_table(:'tables', E'\\n') one;
SELECT format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', name) FROM rollbackd_tables ORDER BY number \gexec
SELECT format('DELETE FROM %s', name) FROM rollbackd_tables ORDER BY number \gexec
\i $data
DO \$check\$
DECLARE key record; lost bigint;
BEGIN
    FOR key IN
        SELECT c.conname, c.conrelid::regclass AS child, c.confrelid::regclass AS parent,
            string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') AS set,
            string_agg(format('p.%I = c.%I', b.attname, a.attname), ' AND ') AS same
        FROM pg_catalog.pg_constraint c
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k(mine, theirs)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.mine
        JOIN pg_catalog.pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.theirs
        WHERE c.contype = 'f' AND (c.conrelid IN (SELECT name FROM pg_temp.rollbackd_tables)
            OR c.confrelid IN (SELECT name FROM pg_temp.rollbackd_tables))
        GROUP BY c.oid, c.conname, c.conrelid, c.confrelid
    LOOP
        EXECUTE format('SELECT count(*) FROM %s c WHERE %s AND NOT EXISTS (SELECT FROM %s p WHERE %s)',
            key.child, key.set, key.parent, key.same) INTO lost;
        IF lost > 0 THEN
            RAISE EXCEPTION '% rows of % would point to nothing in % (%)', lost, key.child, key.parent, key.conname;
        END IF;
    END LOOP;
END \$check\$;
COMMIT;
SQL
PGDATABASE=$target run_psql -o /dev/null -f "$text" </dev/null
code=$?
case $code in 0|3) ;; *) exit 75 ;; esac
named <<'SQL'
DROP DATABASE IF EXISTS :"new";
SQL
[ "$code" = 0 ] || { echo "the tables are as they were" >&2; exit 11; }
echo "the tables are as the backup has them" >&2
)sh";

/// 0 swapped, 1 not.
inline constexpr char const* pg_restore_settle = R"sh(
ask_one 'SELECT 1' >/dev/null || exit 2
exists "$old" && exit 0
[ "$(named <<'SQL'
SELECT shobj_description(oid, 'pg_database') = :'mark' FROM pg_database WHERE datname = :'target';
SQL
)" = t ] && exit 0
exit 1
)sh";

}  // namespace rollbackd
