#include "daemon/store/postgres_tables.hpp"

#include <sstream>

namespace rollbackd::postgres {

namespace {

// sha256() and EXECUTE FUNCTION came with it.
constexpr std::int64_t server_version_min = 110000;

// One at a time makes them: "rbkd", as the header of an SQLite journal says.
constexpr char const* begin_alone = "BEGIN; SELECT pg_advisory_xact_lock(1919052644)";

// The whole format. The triggers keep an honest mistake from rewriting history; the hash chain
// shows a dishonest one. See docs/journal.md. Texts that are hashed are kept as bytes: whatever
// they hold comes back exactly, in a database of any encoding.
constexpr char const* tables = R"(
CREATE TABLE rollbackd.format(one integer PRIMARY KEY CHECK (one = 1), version bigint NOT NULL);
CREATE TABLE rollbackd.record(seq bigint PRIMARY KEY, at bigint NOT NULL, boot bigint NOT NULL,
    boot_id text NOT NULL, epoch bigint NOT NULL, kind text NOT NULL, body bytea NOT NULL,
    prev text NOT NULL, hash text NOT NULL);
CREATE TABLE rollbackd.head(one integer PRIMARY KEY CHECK (one = 1), seq bigint NOT NULL,
    hash text NOT NULL, epoch bigint NOT NULL, node text NOT NULL, holder text NOT NULL,
    until timestamp with time zone NOT NULL);
CREATE TABLE rollbackd.checkpoint(name text PRIMARY KEY, seq bigint NOT NULL, hash text NOT NULL,
    text bytea NOT NULL, sum text NOT NULL);
)";

struct Guard {
    std::string_view name;
    std::string_view table;
    std::string_view events;
    std::string_view body;
};

constexpr Guard guards[] = {
    {"record_append", "record", "BEFORE INSERT ON rollbackd.record FOR EACH ROW",
     "DECLARE last record; BEGIN "
     "SELECT seq, hash INTO last FROM rollbackd.record ORDER BY seq DESC LIMIT 1; "
     "IF NEW.seq <> coalesce(last.seq, 0) + 1 OR NEW.prev <> coalesce(last.hash, repeat('0', 64)) "
     "THEN RAISE EXCEPTION 'the journal only grows at its end'; END IF; RETURN NEW; END"},
    {"record_keep", "record", "BEFORE UPDATE OR DELETE ON rollbackd.record FOR EACH ROW",
     "BEGIN RAISE EXCEPTION 'the journal is append-only'; END"},
    {"record_truncate", "record", "BEFORE TRUNCATE ON rollbackd.record FOR EACH STATEMENT",
     "BEGIN RAISE EXCEPTION 'the journal is append-only'; END"},
    {"head_update", "head", "BEFORE UPDATE ON rollbackd.head FOR EACH ROW",
     "BEGIN IF NEW.seq < OLD.seq OR NEW.epoch < OLD.epoch "
     "THEN RAISE EXCEPTION 'the journal never goes back'; END IF; RETURN NEW; END"},
    {"head_keep", "head", "BEFORE DELETE ON rollbackd.head FOR EACH ROW",
     "BEGIN RAISE EXCEPTION 'the journal has one head'; END"},
    {"head_truncate", "head", "BEFORE TRUNCATE ON rollbackd.head FOR EACH STATEMENT",
     "BEGIN RAISE EXCEPTION 'the journal has one head'; END"},
};

constexpr std::string_view columns =
    "checkpoint.hash text, checkpoint.name text, checkpoint.seq bigint, checkpoint.sum text, "
    "checkpoint.text bytea, format.one integer, format.version bigint, head.epoch bigint, "
    "head.hash text, head.holder text, head.node text, head.one integer, head.seq bigint, "
    "head.until timestamp with time zone, record.at bigint, record.body bytea, record.boot bigint, "
    "record.boot_id text, record.epoch bigint, record.hash text, record.kind text, "
    "record.prev text, record.seq bigint";

std::string make_tables() {
    std::ostringstream sql;
    sql << tables;
    for (auto const& guard : guards) {
        sql << "CREATE FUNCTION rollbackd." << guard.name
            << "() RETURNS trigger LANGUAGE plpgsql AS $$" << guard.body << "$$; CREATE TRIGGER "
            << guard.name << ' ' << guard.events << " EXECUTE FUNCTION rollbackd." << guard.name
            << "();";
    }
    sql << "INSERT INTO rollbackd.format VALUES (1, " << format_version
        << "); INSERT INTO rollbackd.head VALUES (1, 0, '" << genesis_hash
        << "', 0, '', '', '-infinity');";
    return sql.str();
}

Result<void> check_server(Connection& connection, OpenMode mode) {
    auto const asked = connection.execute(
        "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', "
        "current_setting('server_version_num')"
    );
    if (!asked) return tl::unexpected<Error>(asked.error());
    if (asked->integer(0, 2) < server_version_min) {
        return fail(
            Errc::invalid, "the server is older than PostgreSQL 11; use a newer one",
            connection.place()
        );
    }
    if (mode == OpenMode::read_only) return {};
    if (asked->truth(0, 0)) {
        return fail(
            Errc::unavailable,
            "is a standby of PostgreSQL, which cannot be written; name the primary in "
            "daemon.store, or all of them: postgresql://one,two/name?target_session_attrs="
            "read-write",
            connection.place()
        );
    }
    if (asked->truth(0, 1)) {
        return fail(
            Errc::forbidden,
            "may only be read by the user " + connection.user() +
                "; switch default_transaction_read_only off for it",
            connection.place()
        );
    }
    return {};
}

struct Found {
    bool schema = false;
    bool ours = false;
    std::int64_t tables = 0;
};

Result<Found> find(Connection& connection) {
    auto const asked = connection.execute(
        "SELECT count(DISTINCT n.oid), count(c.oid) FILTER (WHERE c.relname = 'format'), "
        "count(c.oid) FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c "
        "ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v') WHERE n.nspname = 'rollbackd'"
    );
    if (!asked) return tl::unexpected<Error>(asked.error());
    Found found;
    found.schema = asked->integer(0, 0) > 0;
    found.ours = asked->integer(0, 1) > 0;
    found.tables = asked->integer(0, 2);
    return found;
}

Result<void> create(Connection& connection) {
    if (auto begun = connection.execute(begin_alone); !begun) {
        return tl::unexpected<Error>(begun.error());
    }
    auto const made = [&]() -> Result<void> {
        auto const found = find(connection);  // another one may have been quicker
        if (!found) return tl::unexpected<Error>(found.error());
        if (found->ours) return {};
        std::string const schema = found->schema ? "" : "CREATE SCHEMA rollbackd;";
        auto done = connection.execute(schema + make_tables());
        if (!done) return tl::unexpected<Error>(done.error());
        return {};
    }();
    auto ended = connection.execute(made ? "COMMIT" : "ROLLBACK");
    if (!made) return made;
    if (!ended) return tl::unexpected<Error>(ended.error());
    return {};
}

Result<void> check_format(Connection& connection) {
    auto const asked = connection.execute("SELECT version FROM rollbackd.format");
    if (!asked) return tl::unexpected<Error>(asked.error());
    auto const version = asked->size() == 1 ? asked->integer(0, 0) : 0;
    if (version == format_version) return {};
    return fail(
        Errc::invalid,
        "was written by another version of rollbackd (journal format " + std::to_string(version) +
            ", this one knows " + std::to_string(format_version) +
            "); install that version again, or point daemon.store to another database",
        connection.place()
    );
}

Result<void> check_tables(Connection& connection) {
    auto const changed = [&] {
        return fail(
            Errc::corrupt,
            "the tables of the schema rollbackd were changed by somebody else; restore them from "
            "a backup",
            connection.place()
        );
    };
    auto const found = connection.execute(
        "SELECT string_agg(c.relname || '.' || a.attname || ' ' || "
        "format_type(a.atttypid, a.atttypmod), ', ' ORDER BY c.relname COLLATE \"C\", "
        "a.attname COLLATE \"C\") FROM pg_catalog.pg_attribute a "
        "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'rollbackd' "
        "AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped"
    );
    if (!found) return tl::unexpected<Error>(found.error());
    if (found->text(0, 0) != columns) return changed();
    auto const triggers = connection.execute(
        "SELECT t.tgname, c.relname, p.prosrc, t.tgenabled FROM pg_catalog.pg_trigger t "
        "JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid "
        "WHERE n.nspname = 'rollbackd' AND NOT t.tgisinternal"
    );
    if (!triggers) return tl::unexpected<Error>(triggers.error());
    if (triggers->size() != std::size(guards)) return changed();
    for (auto const& guard : guards) {
        bool there = false;
        for (std::size_t row = 0; row < triggers->size(); ++row) {
            there =
                there ||
                (triggers->text(row, 0) == guard.name && triggers->text(row, 1) == guard.table &&
                 triggers->text(row, 2) == guard.body && triggers->text(row, 3) != "D");
        }
        if (!there) return changed();
    }
    return {};
}

}  // namespace

Result<void> prepare_tables(Connection& connection, OpenMode mode) {
    if (auto good = check_server(connection, mode); !good) return good;
    auto found = find(connection);
    if (!found) return tl::unexpected<Error>(found.error());
    if (found->tables > 0 && !found->ours) {
        return fail(
            Errc::invalid,
            "has a schema named rollbackd of another program; point daemon.store to another "
            "database",
            connection.place()
        );
    }
    if (!found->ours && mode == OpenMode::read_only) {
        return fail(
            Errc::not_found, "holds no journal of rollbackd yet; its first start makes one",
            connection.place()
        );
    }
    if (!found->ours) {
        if (auto made = create(connection); !made) return made;
    }
    if (auto good = check_format(connection); !good) return good;
    return check_tables(connection);
}

}  // namespace rollbackd::postgres
