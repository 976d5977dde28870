#include "daemon/store/postgres.hpp"

#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace rollbackd::postgres {

namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

Result<Options> take_apart(std::string const& url) {
    char* problem = nullptr;
    Options options(PQconninfoParse(url.c_str(), &problem), &PQconninfoFree);
    if (problem != nullptr) PQfreemem(problem);  // it may repeat the password
    if (options) return options;
    return fail(
        Errc::invalid,
        "daemon.store is no url of a database; write "
        "postgresql://rollbackd@db.example.com/rollbackd"
    );
}

std::string option(Options const& options, std::string_view keyword) {
    for (auto const* one = options.get(); one->keyword != nullptr; ++one) {
        if (one->keyword == keyword && one->val != nullptr) return one->val;
    }
    return {};
}

std::string first_line(std::string_view text) {
    return std::string(text.substr(0, text.find('\n')));
}

/// What a person does about a refused connection, by the words of libpq and of the server.
std::string mend(std::string_view text) {
    struct Known {
        std::string_view words;
        std::string_view mend;
    };
    constexpr Known known[] = {
        {"authentication failed", "look at the user and its password (daemon.store_password_file)"},
        {"no password supplied", "name a file with the password: daemon.store_password_file"},
        {"pg_hba.conf", "let the server's pg_hba.conf admit this user from here"},
        {"not permitted to log in", "ALTER ROLE … LOGIN"},
        {"does not exist", "create what is missing, or change daemon.store"},
        {"onnection refused", "start the server, or change daemon.store"},
        {"No such file or directory", "start the server, or change daemon.store"},
        {"could not translate host name", "look at the name in daemon.store"},
        {"session is read-only", "name the primary in daemon.store"},
        {"session is not read-only", "leave target_session_attrs out, or write read-write"},
    };
    for (auto const& one : known) {
        if (text.find(one.words) != text.npos) return "; " + std::string(one.mend);
    }
    return {};
}

/// By the server's words: whatever else keeps a connection away may pass by itself.
bool must_be_mended(std::string_view text) {
    constexpr std::string_view known[] = {
        "authentication failed", "no password supplied", "pg_hba.conf", "not permitted to log in",
        "\" does not exist"
    };
    return std::any_of(std::begin(known), std::end(known), [&](std::string_view words) {
        return text.find(words) != text.npos;
    });
}

Errc code_of(std::string_view state) {
    if (state == "42501") return Errc::forbidden;                        // insufficient_privilege
    if (state == "57014" || state == "55P03") return Errc::unavailable;  // it took too long
    if (state == "25006") return Errc::unavailable;  // read-only: another one is the primary now
    if (state == "P0001" || state == "42P01" || state == "3F000") return Errc::corrupt;
    auto const group = state.substr(0, 2);
    // connection, resources (a full disk), operator intervention, serialization
    if (group == "08" || group == "53" || group == "57" || group == "40") return Errc::unavailable;
    return Errc::io;
}

std::string milliseconds(Duration duration) {
    return std::to_string(duration / std::chrono::milliseconds(1));
}

}  // namespace

Value Value::bytes(std::string_view value) {
    Value out(value);
    out.binary = true;
    return out;
}

Rows::Rows(pg_result* result) : result_(result) {}

void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }

std::size_t Rows::size() const { return std::size_t(PQntuples(result_.get())); }

std::size_t Rows::changed() const { return std::strtoull(PQcmdTuples(result_.get()), nullptr, 10); }

std::string Rows::tag() const { return PQcmdStatus(result_.get()); }

std::string Rows::text(std::size_t row, int column) const {
    auto const length = PQgetlength(result_.get(), int(row), column);
    return std::string(PQgetvalue(result_.get(), int(row), column), std::size_t(length));
}

std::string Rows::bytes(std::size_t row, int column) const {
    std::size_t length = 0;
    auto const* const hex = PQgetvalue(result_.get(), int(row), column);
    auto* const raw = PQunescapeBytea(reinterpret_cast<unsigned char const*>(hex), &length);
    if (raw == nullptr) throw std::bad_alloc();
    std::string out(reinterpret_cast<char const*>(raw), length);
    PQfreemem(raw);
    return out;
}

std::int64_t Rows::integer(std::size_t row, int column) const {
    return std::strtoll(PQgetvalue(result_.get(), int(row), column), nullptr, 10);
}

bool Rows::truth(std::size_t row, int column) const {
    return *PQgetvalue(result_.get(), int(row), column) == 't';
}

Result<std::string> place_of(std::string const& url) {
    auto const options = take_apart(url);
    if (!options) return tl::unexpected<Error>(options.error());
    auto host = option(*options, "host");
    if (host.empty()) host = option(*options, "hostaddr");
    auto const port = option(*options, "port");
    return (host.empty() ? "localhost" : host) + (port.empty() ? "" : ":" + port) + "/" +
           option(*options, "dbname");
}

bool holds_password(std::string const& url) {
    auto const options = take_apart(url);
    return options && !option(*options, "password").empty();
}

Connection::Connection(pg_conn* connection, std::string place)
    : handle_(connection), place_(std::move(place)) {}

void Connection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

std::string Connection::user() const { return PQuser(handle_.get()); }

Result<Connection> Connection::open(Access const& access) {
    auto const options = take_apart(access.url);
    if (!options) return tl::unexpected<Error>(options.error());
    auto const place = place_of(access.url);
    std::string password;
    if (!access.password_file.empty()) {
        Secrets secrets;
        auto read = secrets.from_file(access.password_file);
        if (!read) return tl::unexpected<Error>(read.error());
        password = *std::move(read);
    }
    auto const connect = std::to_string(connect_max / std::chrono::seconds(1));
    auto const unheard = milliseconds(statement_max);
    std::vector<char const*> names{
        "dbname",           "connect_timeout", "tcp_user_timeout",
        "keepalives",       "keepalives_idle", "keepalives_interval",
        "keepalives_count", "client_encoding", "fallback_application_name"
    };
    std::vector<char const*> values{
        access.url.c_str(), connect.c_str(), unheard.c_str(), "1", "5", "2", "2", "UTF8",
        "rollbackd"
    };
    if (!password.empty()) {
        names.push_back("password");
        values.push_back(password.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    Connection made(PQconnectdbParams(names.data(), values.data(), 1), *place);
    auto* const handle = made.handle_.get();
    if (PQstatus(handle) != CONNECTION_OK) {
        auto const said = first_line(PQerrorMessage(handle));
        return fail(
            must_be_mended(said) ? Errc::forbidden : Errc::unavailable, said + mend(said), *place
        );
    }
    PQsetNoticeProcessor(handle, [](void*, char const*) {}, nullptr);
    if (PQsetnonblocking(handle, 1) != 0) return made.lose(Errc::unavailable, "no memory");
    // A statement that waits ends before we stop waiting for it. A transaction whose daemon stands
    // still is ended too: its lock on the head row would keep everybody from taking over.
    auto const allowed = milliseconds(statement_max - std::chrono::milliseconds(500));
    auto set = made.execute(
        "SET statement_timeout = " + allowed + "; SET lock_timeout = " + allowed +
        "; SET idle_in_transaction_session_timeout = " + milliseconds(statement_max) +
        "; SET bytea_output = 'hex'; SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
    );
    if (!set) return tl::unexpected<Error>(set.error());
    return made;
}

Result<Rows> Connection::execute(std::string const& sql, std::vector<Value> const& values) {
    if (lost_) return fail(Errc::unavailable, "the connection to the database is lost", place_);
    if (auto sent = send(sql, values); !sent) return tl::unexpected<Error>(sent.error());
    if (auto answered = wait(); !answered) return tl::unexpected<Error>(answered.error());
    return take();
}

Result<void> Connection::send(std::string const& sql, std::vector<Value> const& values) {
    int sent = 0;
    if (values.empty()) {
        sent = PQsendQuery(handle_.get(), sql.c_str());
    } else {
        std::vector<char const*> texts;
        std::vector<int> lengths, formats;
        for (auto const& value : values) {
            texts.push_back(value.text.c_str());
            lengths.push_back(int(value.text.size()));
            formats.push_back(value.binary ? 1 : 0);
        }
        sent = PQsendQueryParams(
            handle_.get(), sql.c_str(), int(values.size()), nullptr, texts.data(), lengths.data(),
            formats.data(), 0
        );
    }
    if (sent == 1) return {};
    return lose(Errc::unavailable, first_line(PQerrorMessage(handle_.get())));
}

Result<void> Connection::wait() {
    auto const until = monotonic_micros() + statement_max / std::chrono::microseconds(1);
    auto* const handle = handle_.get();
    int unsent = PQflush(handle);
    while (unsent != 0 || PQisBusy(handle) == 1) {
        if (unsent < 0) return lose(Errc::unavailable, first_line(PQerrorMessage(handle)));
        auto const left_ms = (until - monotonic_micros()) / 1000;
        if (left_ms <= 0) {
            return lose(Errc::timeout, "no answer within " + format_duration(statement_max));
        }
        pollfd ready{PQsocket(handle), short(POLLIN | (unsent > 0 ? POLLOUT : 0)), 0};
        if (::poll(&ready, 1, int(left_ms)) < 0 && errno != EINTR) {
            return lose(Errc::unavailable, std::strerror(errno));
        }
        if ((ready.revents & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(handle) != 1) {
            return lose(Errc::timeout, first_line(PQerrorMessage(handle)));
        }
        if (unsent > 0) unsent = PQflush(handle);
    }
    return {};
}

// All answers of what was sent; the last one, or the first that is an error.
Result<Rows> Connection::take() {
    Rows last(nullptr);
    std::optional<Error> problem;
    while (true) {
        if (PQisBusy(handle_.get()) == 1) {
            if (auto more = wait(); !more) return tl::unexpected<Error>(more.error());
        }
        auto* const result = PQgetResult(handle_.get());
        if (result == nullptr) break;
        auto const status = PQresultStatus(result);
        bool const good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
        if (!good && !problem) problem = refused(result).value();
        last = Rows(result);
    }
    if (!problem) return last;
    if (PQstatus(handle_.get()) == CONNECTION_BAD) lost_ = true;
    return tl::unexpected<Error>(*std::move(problem));
}

tl::unexpected<Error> Connection::lose(Errc code, std::string what) {
    lost_ = true;
    if (what.empty()) what = "the connection to the database was lost";
    return fail(code, std::move(what), place_);
}

tl::unexpected<Error> Connection::refused(pg_result const* result) {
    auto const* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    auto const* const text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    auto what = first_line(text != nullptr ? text : PQresultErrorMessage(result));
    // Without a state it is libpq that speaks: the connection has gone, the answer with it.
    if (state == nullptr) return lose(Errc::timeout, std::move(what));
    auto const code = code_of(state);
    // Where it has become a standby, the next connecting may find the primary.
    if (std::string_view(state) == "25006") lost_ = true;
    if (code == Errc::forbidden) {
        what += "; let the user " + user() + " own the schema rollbackd of this database";
    }
    return fail(code, std::move(what), place_);
}

}  // namespace rollbackd::postgres
