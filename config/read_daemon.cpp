// `daemon`, `notify`, `hosts` and limits.
#include "actions/channel_kind.hpp"
#include "config/reader.hpp"
#include "config/scalars.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t sha256_digits = 64;
constexpr int sha256_digits_shown = 12;

// "DNS:ci.example.com": the kind says which names of a certificate may fit.
std::string san_problem(std::string const& san) {
    auto const colon = san.find(':');
    auto const kind = san.substr(0, colon);
    std::vector<std::string> const kinds{"DNS", "URI", "email", "IP"};
    bool const known = std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
    if (known && colon + 1 < san.size()) return {};
    auto const meant = colon == std::string::npos ? "" : nearest_name(kind, kinds);
    return "san needs its kind, DNS:, URI:, email: or IP:, and a name after it" +
           (meant.empty() || known ? "" : "; did you mean " + meant + ":?");
}

void read_client(YamlCursor const& cursor, TlsPolicy& tls) {
    MapReader map(cursor, keys::client());
    ClientPolicy client;
    read(map, "name", client.name);
    read(map, "role", client.role);
    bool const by_cn = read(map, "cn", client.cn) && !client.cn.empty();
    bool const by_san = read(map, "san", client.san) && !client.san.empty();
    if (by_san) {
        auto const problem = san_problem(client.san);
        if (!problem.empty()) map.take("san")->error(problem);
    }
    map.finish();
    if (by_cn == by_san) cursor.error("a client certificate needs cn or san, one of the two");
    for (auto const& other : tls.clients) {
        if (!client.name.empty() && other.name == client.name) {
            cursor.error("a client named \"" + printable(client.name, 80) + "\" is there already");
        } else if (other.cn == client.cn && other.san == client.san) {
            cursor.error(
                "the same certificate has the name \"" + printable(other.name, 80) + "\" too"
            );
        }
    }
    tls.clients.push_back(std::move(client));
}

void read_tls(PolicyReading const& reading, YamlCursor const& cursor, DaemonPolicy& daemon) {
    MapReader map(cursor, keys::tls());
    auto& tls = daemon.tls.emplace();
    auto const hooks = reading.plain_hooks();
    read(map, "cert", tls.cert, hooks);
    read(map, "client_ca", tls.client_ca, hooks);
    if (read(map, "key", tls.key, hooks) && hooks.secret_file) {
        hooks.secret_file(*map.take("key"), tls.key);
    }
    if (auto const clients = map.take("clients")) {
        for (auto const& item : clients->items("a list of client certificates")) {
            read_client(item, tls);
        }
        if (!map.take("client_ca")) {
            clients->error("clients needs client_ca: nobody else says whose certificate it is");
        }
    }
    map.finish();
}

void read_heartbeat(PolicyReading const& reading, YamlCursor const& cursor, DaemonPolicy& daemon) {
    MapReader map(cursor, keys::heartbeat());
    auto& heartbeat = daemon.heartbeat.emplace();
    auto const hooks = reading.plain_hooks();
    bool const url = read(map, "url", heartbeat.url, hooks);
    bool const file = read(map, "url_file", heartbeat.url_file, hooks);
    read(map, "every", heartbeat.every);
    map.finish();
    if (url == file) cursor.error("heartbeat needs url or url_file, one of the two");
}

void read_respond_within(YamlCursor const& cursor, DaemonPolicy& daemon) {
    MapReader map(cursor, keys::respond_within());
    daemon.respond_within.clear();
    for (auto const severity : {Severity::P0, Severity::P1, Severity::P2, Severity::P3}) {
        Duration within{};
        if (read(map, to_string(severity), within)) daemon.respond_within[severity] = within;
    }
    map.finish();
}

char lower(char c) { return c >= 'A' && c <= 'F' ? char(c - 'A' + 'a') : c; }

// Enough to see which it is and when it changed, and nobody's to try tokens against.
std::string cut(std::string sha256) {
    std::fill(sha256.begin() + sha256_digits_shown, sha256.end(), '0');
    return sha256;
}

// Read from the journal's text again. (Nothing but zeros is somebody's example.)
bool is_cut(std::string const& sha256) {
    return sha256 == cut(sha256) && sha256.find_first_not_of('0') != std::string::npos;
}

void read_sha256(MapReader& map, TokenPolicy& token) {
    auto const cursor = map.take("sha256");
    if (!cursor) return;
    auto const text = cursor->text("64 hexadecimal digits");
    if (!text) return;
    bool const is_hex = text->find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!is_hex || text->size() != sha256_digits) {
        cursor->error(
            "sha256 needs 64 hexadecimal digits, this has " + std::to_string(text->size()) +
            " characters; make a token with: rollbackctl token new"
        );
        return;
    }
    for (char const c : *text) token.sha256.push_back(lower(c));
    auto const& node = cursor->node();
    cursor->sources().hide(node.mark, node.text.size(), cut(*text));
}

void read_token(YamlCursor const& cursor, DaemonPolicy& daemon) {
    MapReader map(cursor, keys::token());
    TokenPolicy token;
    read(map, "name", token.name);
    read(map, "role", token.role);
    read_sha256(map, token);
    if (auto const expires = map.take("expires")) {
        if (auto const text = expires->text("a time like 2030-01-31T12:00:00Z")) {
            if (auto const time = parse_rfc3339(*text)) {
                token.expires = *time;
            } else {
                expires->error(time.error().what);
            }
        }
    }
    map.finish();
    for (auto const& other : daemon.tokens) {
        if (!token.name.empty() && other.name == token.name) {
            cursor.error("a token named \"" + printable(token.name, 80) + "\" is there already");
        } else if (!token.sha256.empty() && !is_cut(token.sha256) && other.sha256 == token.sha256) {
            cursor.error("the same token has the name \"" + printable(other.name, 80) + "\" too");
        }
    }
    daemon.tokens.push_back(std::move(token));
}

void read_listen(MapReader& map, DaemonPolicy& daemon) {
    auto const cursor = map.take("listen");
    if (!cursor) return;
    daemon.listen.clear();
    for (auto const& item : cursor->items("a list of addresses, [127.0.0.1:8620]")) {
        auto const text = item.text("an address");
        if (!text) continue;
        if (auto const address = parse_listen(*text); !address) {
            item.error(address.error().what);
        } else if (std::count(daemon.listen.begin(), daemon.listen.end(), *text) > 0) {
            item.error(printable(*text, 120) + " stands twice in listen");
        } else {
            daemon.listen.push_back(*text);
        }
    }
    if (cursor->kind() == YamlKind::list && cursor->node().items.empty()) {
        cursor->error("listen is empty: nobody could reach the daemon");
    }
}

bool is_database(std::string_view store) {
    return store.starts_with("postgresql://") || store.starts_with("postgres://");
}

// Whether a url of a database says its user's password.
bool says_password(std::string_view store) {
    store.remove_prefix(store.find("//") + 2);
    auto const authority = store.substr(0, store.find_first_of("/?"));
    auto const user = authority.substr(0, authority.rfind('@') + 1);
    auto const query = store.substr(std::min(store.find('?'), store.size()));
    return user.find(':') != user.npos || query.find("password=") != query.npos;
}

void read_database(YamlCursor const& cursor, std::string const& text, DaemonPolicy& daemon) {
    if (says_password(text)) {
        auto const& node = cursor.node();
        cursor.sources().hide(node.mark, node.text.size(), "postgresql://[secret]");
        cursor.error(
            "a password does not belong into the policy; keep it in a file of its own: "
            "store_password_file"
        );
    } else if (text.find("${") != text.npos) {
        cursor.error("store takes no ${NAME}; a password goes into store_password_file");
    } else {
        daemon.store = text;
    }
}

void read_store(MapReader& map, DaemonPolicy& daemon) {
    auto const cursor = map.take("store");
    if (!cursor) return;
    auto const text = cursor->text("sqlite:/absolute/path or postgresql://user@host/database");
    if (!text) return;
    constexpr std::string_view sqlite = "sqlite:";
    if (is_database(*text)) {
        read_database(*cursor, *text, daemon);
    } else if (!text->starts_with(sqlite)) {
        cursor->error(
            "unknown store \"" + printable(*text, 120) +
            "\"; write sqlite:/absolute/path or postgresql://user@host/database"
        );
    } else if (text->compare(sqlite.size(), 1, "/") != 0 || text->back() == '/') {
        cursor->error("the store needs an absolute path of a file: sqlite:/absolute/path");
    } else {
        daemon.store = *text;
    }
}

}  // namespace

void read_limits(YamlCursor const& cursor, Limits& limits) {
    MapReader map(cursor, keys::limits());
    read(map, "runs_per_hour", limits.runs_per_hour);
    read(map, "runs_per_day", limits.runs_per_day);
    read(map, "cooldown", limits.cooldown);
    read(map, "settle", limits.settle);
    read(map, "approval_timeout", limits.approval_timeout);
    map.finish();
}

std::vector<Duty> read_duties(YamlCursor const& cursor, ValueHooks const& hooks) {
    std::vector<Duty> duties;
    for (auto const& item : cursor.items("a list of duties")) {
        MapReader map(item, keys::duty());
        Duty duty;
        read(map, "name", duty.name);
        read(map, "text", duty.text, hooks);
        read(map, "deadline", duty.deadline);
        read(map, "from", duty.from);
        read(map, "to", duty.to);
        map.finish();
        auto const same = [&](Duty const& other) { return other.name == duty.name; };
        if (!duty.name.empty() && std::any_of(duties.begin(), duties.end(), same)) {
            item.error("a duty named \"" + printable(duty.name, 80) + "\" is there already");
        }
        duties.push_back(std::move(duty));
    }
    return duties;
}

void read_daemon(PolicyReading const& reading, YamlCursor const& cursor) {
    MapReader map(cursor, keys::daemon());
    auto& daemon = reading.policy.daemon;
    read_listen(map, daemon);
    read_store(map, daemon);
    if (auto const file = map.take("store_password_file")) {
        read(map, "store_password_file", daemon.store_password_file, reading.plain_hooks());
        if (!is_database(daemon.store)) file->error("only a store in PostgreSQL has a password");
    }
    if (auto const tls = map.take("tls")) read_tls(reading, *tls, daemon);
    if (auto const redis = map.take("redis")) {
        redis->error(
            "redis arrives in a later version of rollbackd; leave the key out: one daemon needs "
            "none"
        );
    }
    read(map, "run_dir", daemon.run_dir);
    read(map, "autonomy", daemon.autonomy);
    read(map, "readiness_every", daemon.readiness_every);
    read(map, "log_level", daemon.log_level);
    if (auto const tokens = map.take("tokens")) {
        for (auto const& item : tokens->items("a list of tokens")) read_token(item, daemon);
    }
    if (auto const limits = map.take("limits")) read_limits(*limits, daemon.limits);
    if (auto const references = map.take("references")) {
        daemon.references = read_references(reading, *references, reading.plain_hooks());
    }
    if (auto const heartbeat = map.take("heartbeat")) read_heartbeat(reading, *heartbeat, daemon);
    if (auto const within = map.take("respond_within")) read_respond_within(*within, daemon);
    map.finish();
}

void read_channels(PolicyReading const& reading, YamlCursor const& cursor) {
    FormTypes const types{
        reading.catalogue.notifiers, reading.catalogue.later_notifiers, "a channel"
    };
    for (auto const& [name, entry] : cursor.named("a channel")) {
        ChannelPolicy channel;
        channel.name = name;
        auto map = open_form(entry, keys::channel(), types);
        read(map, "fallback", channel.fallback);
        bool const limited = read(map, "per_minute", channel.per_minute);
        if (auto const form = find_form(map, types)) {
            channel.type = form->type->name;
            channel.params = read_form(*form, reading.plain_hooks());
            report_problems(*form, channel.params);
        }
        if (!limited && is_read_by_people(channel)) channel.per_minute = people_per_minute;
        reading.policy.channels.push_back(std::move(channel));
    }
}

void read_hosts(PolicyReading const& reading, YamlCursor const& cursor) {
    for (auto const& [name, entry] : cursor.named("a host")) {
        MapReader map(entry, keys::host());
        HostPolicy host;
        host.name = name;
        if (read(map, "ssh", host.ssh) && (host.ssh.empty() || host.ssh.starts_with('-') ||
                                           host.ssh.find_first_of(" \t\n") != std::string::npos)) {
            map.take("ssh")->error("ssh must be user@host, or a Host of ssh_config");
        }
        auto const hooks = reading.plain_hooks();
        if (read(map, "identity_file", host.identity_file) && hooks.secret_file) {
            hooks.secret_file(*map.take("identity_file"), host.identity_file);
        }
        read(map, "known_hosts", host.known_hosts);
        read(map, "port", host.port);
        map.finish();
        reading.policy.hosts.push_back(std::move(host));
    }
}

}  // namespace rollbackd
