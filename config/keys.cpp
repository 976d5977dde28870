#include "config/keys.hpp"

#include "config/keys_build.hpp"
#include "engine/policy.hpp"

#include <chrono>

namespace rollbackd::keys {

namespace {

using enum FieldType;
using namespace std::chrono_literals;

}  // namespace

Section const& root() {
    static Section const section{
        "a policy",
        "The file itself. conf.d/*.yaml beside it may add services, channels, hosts and tokens.",
        {
            needed(key("version", integer, "Version of this grammar: 1.")),
            key("daemon", object, "The daemon itself: addresses, store, tokens, limits."),
            key("notify", object, "Channels by name, each with one notifier type."),
            key("hosts", object, "Machines by name that steps and checks run on over OpenSSH."),
            key("matrix", object,
                "Decision matrix: rows in order, the first that fits fills in what a trigger "
                "leaves open. Without it the shipped one is used."),
            key("services", object, "What is protected, by name."),
        }
    };
    return section;
}

Section const& daemon() {
    static DaemonPolicy const standard;
    static Section const section{
        "daemon",
        "Keys of `daemon`.",
        {
            otherwise(
                key("listen", text_list,
                    "Addresses of the API: address:port, or unix:/path. Any but loopback needs tls "
                    "and tokens."),
                JsonArray{"127.0.0.1:8620"}
            ),
            key("tls", object, "Certificate and key of the API."),
            otherwise(
                key("store", text,
                    "Where the journal is kept: sqlite:/absolute/path, or "
                    "postgresql://user@host/database, which several daemons may share: one of them "
                    "acts, the others stand by."),
                "sqlite:/var/lib/rollbackd/rollbackd.db"
            ),
            key("store_password_file", path,
                "A file that holds the password of the user that `store` names."),
            key("redis", text, "Shared counters and streams; arrives in a later version."),
            key("run_dir", path,
                "Where steps under way keep their claims and output, on this machine; default: "
                "beside "
                "the store, or /var/lib/rollbackd/DATABASE.runs."),
            otherwise(
                one_of(
                    "autonomy", enum_names<Autonomy>(),
                    "What the daemon may do by itself: observe only records, advise acts after "
                    "approval, enforce acts. The lowest of daemon, service and trigger counts."
                ),
                "observe"
            ),
            key("tokens", object, "Bearer tokens of the API, by the hash of each."),
            key("limits", object, "How often runs may start by themselves; services inherit it."),
            key("references", object,
                "Probes of things that are not ours; if all fail, the daemon is blind and keeps "
                "its hands off."),
            key("heartbeat", object,
                "A URL that is asked while all is well here, so that somebody notices when this "
                "daemon is gone."),
            otherwise(
                lasting(
                    "readiness_every", 1s, 24h,
                    "How often every playbook is looked at before it is needed: its target, its "
                    "tools, its rights (`ready` in conditions; a message where one could not run)."
                ),
                standard.readiness_every
            ),
            key("respond_within", object,
                "How soon somebody must have answered an incident (acknowledged it, or decided "
                "about it); after that every channel is told again, at longer and longer "
                "intervals, until somebody has. Default: P0 5m, P1 1h; given, only what it names."),
            otherwise(
                one_of(
                    "log_level", {"trace", "debug", "info", "warn", "error"}, "How much is logged."
                ),
                "info"
            ),
        }
    };
    return section;
}

Section const& tls() {
    static Section const section{
        "tls",
        "Keys of `daemon.tls`.",
        {
            needed(key("cert", path, "Certificate chain, PEM.")),
            needed(key("key", path, "Its private key, PEM.")),
            key("client_ca", path, "Clients must show a certificate signed by this CA, PEM."),
            key("clients", object,
                "Client certificates that stand in place of a token; others of client_ca need one."
            ),
        }
    };
    return section;
}

Section const& client() {
    static Section const section{
        "a client certificate",
        "Entries of `daemon.tls.clients`: cn or san, one of the two.",
        {
            needed(key("name", text, "Shown in the journal as who did it: `cert:NAME`.")),
            needed(
                one_of("role", {"read", "ingest", "operate", "approve", "admin"}, "As of a token.")
            ),
            key("cn", text, "The subject's common name, the whole of it."),
            key("san", text,
                "An alternative name with its kind: DNS:ci.example.com, URI:spiffe://…, email:…, "
                "IP:…."),
        }
    };
    return section;
}

Section const& heartbeat() {
    static HeartbeatPolicy const standard;
    static Section const section{
        "heartbeat",
        "Keys of `daemon.heartbeat`: url or url_file, of a service that calls you when it is no "
        "longer asked.",
        {
            secret(key("url", url, "Asked with GET; may hold ${NAME}.")),
            key("url_file", path, "A file that holds the URL, where the URL is the secret."),
            otherwise(lasting("every", 100ms, 24h, "How often it is asked."), standard.every),
        }
    };
    return section;
}

Section const& respond_within() {
    static Section const section{
        "respond_within",
        "Keys of `daemon.respond_within`; what is left out is not told again, so `{}` switches it "
        "off.",
        {
            lasting("P0", 1s, 168h, "Of a P0."),
            lasting("P1", 1s, 168h, "Of a P1."),
            lasting("P2", 1s, 168h, "Of a P2."),
            lasting("P3", 1s, 168h, "Of a P3."),
        }
    };
    return section;
}

Section const& token() {
    static Section const section{
        "a token",
        "Entries of `daemon.tokens`; `rollbackctl token new` makes one.",
        {
            needed(key("name", text, "Shown in the journal as who did it.")),
            needed(one_of(
                "role", {"read", "ingest", "operate", "approve", "admin"},
                "ingest and operate include read; approve is read and approve or reject; admin is "
                "all."
            )),
            needed(key("sha256", text, "SHA-256 of the token, 64 hexadecimal digits.")),
            key("expires", text, "Refused from then on: an RFC 3339 time."),
        }
    };
    return section;
}

Section const& limits() {
    static Limits const standard;
    static Section const section{
        "limits",
        "Keys of `limits`, of the daemon or of a service.",
        {
            otherwise(
                bounded(
                    key("runs_per_hour", integer, "Automatic runs of a service in an hour."), 1,
                    1000
                ),
                standard.runs_per_hour
            ),
            otherwise(
                bounded(
                    key("runs_per_day", integer, "Automatic runs of a service in a day."), 1, 10'000
                ),
                standard.runs_per_day
            ),
            otherwise(
                lasting("cooldown", 1ms, 168h, "Rest between two automatic runs of a service."),
                standard.cooldown
            ),
            otherwise(
                lasting(
                    "settle", 1ms, 24h,
                    "How long after its last step a run may take to be verified."
                ),
                standard.settle
            ),
            otherwise(
                lasting(
                    "approval_timeout", 1s, 168h,
                    "Unanswered for so long, an approval counts as rejected."
                ),
                standard.approval_timeout
            ),
        }
    };
    return section;
}

Section const& channel() {
    static Section const section{
        "a channel",
        "Entries of `notify`: one notifier type, and beside it:",
        {
            key("fallback", text,
                "Channel that is told instead where this one refuses a message, or has failed "
                "three times with it; this one goes on trying."),
            bounded(
                key("per_minute", integer,
                    "Messages it is told at most, after a quiet time five at once; default 30 "
                    "where people read them (slack, discord, teams, smtp), else no limit. People "
                    "are told of all that waits in one message; programs one by one, the worst "
                    "first."),
                1, 6000
            ),
        }
    };
    return section;
}

Section const& host() {
    static Section const section{
        "a host",
        "Entries of `hosts`.",
        {
            needed(key("ssh", text, "user@host, or a Host of ssh_config.")),
            key("identity_file", path, "Private key; default: what ssh_config says."),
            key("known_hosts", path, "Host keys that are trusted; default: what ssh_config says."),
            otherwise(bounded(key("port", integer, "Port of its ssh server."), 1, 65535), 22),
        }
    };
    return section;
}

Section const& matrix_row() {
    static Section const section{
        "a row of the matrix",
        "Rows of `matrix`.",
        {
            needed(key("when", object, "What the breach must be; {} fits everything.")),
            one_of("severity", enum_names<Severity>(), "Severity of what fits."),
            key("response", object,
                "alert, propose, or roles: playbooks by these names, as far as the service has "
                "them."),
        }
    };
    return section;
}

Section const& matrix_when() {
    static Section const section{
        "a row's when",
        "Keys of a row's `when`; a list means any of its values.",
        {
            key("impact", text_list, "low, medium, high, critical."),
            key("users", text_list, "none, some, many, all."),
            key("data_risk", boolean, "Whether data is at risk."),
            key("cause", text_list, "A cause that triggers name in classify."),
            otherwise(
                key("any", boolean, "One of the keys is enough; without it all must fit."), false
            ),
        }
    };
    return section;
}

Section const& classify() {
    static Section const section{
        "classify",
        "Keys of a trigger's `classify`: what is known about the breach.",
        {
            one_of("impact", enum_names<Impact>(), "How bad it is."),
            one_of(
                "users", enum_names<Users>(),
                "Who notices: some is below a quarter, many at least that."
            ),
            key("data_risk", boolean, "Whether data is at risk."),
            key("cause", text, "A word that matrix rows may ask for."),
        }
    };
    return section;
}

Section const& duty() {
    static Section const section{
        "a duty",
        "Entries of `duties`: what people owe after an incident.",
        {
            needed(key("name", text, "Its name.")),
            needed(key("text", text, "What is to be done.")),
            needed(lasting("deadline", 1s, 8784h, "Until when, counted from `from`.")),
            otherwise(
                one_of("from", enum_names<DutyFrom>(), "What the deadline is counted from."),
                "detection"
            ),
            key("to", text, "Channel that is told when it is overdue; default: every channel."),
        }
    };
    return section;
}

Section const& follow_up() {
    static Section const section{
        "a follow-up",
        "Entries of `follow_up`, where it is more than a text.",
        {
            needed(key("say", text, "What people should watch or do.")),
            lasting(
                "every", reminder_every_min, reminder_every_max,
                "People are reminded of it at this pace, from the recovery on."
            ),
            otherwise(
                lasting(
                    "for", reminder_every_min, reminder_for_max,
                    "Of every: for so long. A person who resolves the incident ends it, and so "
                    "does one that freezes."
                ),
                reminder_for_standard
            ),
        }
    };
    return section;
}

Section const& gate() {
    static Section const section{
        "gate",
        "Keys of a service's `gate`, asked by CI before a deployment.",
        {key("attest", text_list, "Statements a person must have made.")}
    };
    return section;
}

std::vector<Section const*> all() {
    return {&root(),           &daemon(),      &tls(),      &client(),    &heartbeat(),
            &respond_within(), &token(),       &limits(),   &channel(),   &host(),
            &matrix_row(),     &matrix_when(), &service(),  &release(),   &signal(),
            &reference(),      &trigger(),     &classify(), &rung(),      &playbook(),
            &step(),           &check(),       &duty(),     &follow_up(), &gate()};
}

std::vector<std::string> const& roles() {
    static std::vector<std::string> const names{
        "flag-off", "code-rollback", "restore", "safe-mode"
    };
    return names;
}

}  // namespace rollbackd::keys
