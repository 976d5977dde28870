// firewall: ports closed to everybody outside in front of every rule there is, and opened again
// exactly as they were, at once or for some networks first.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/firewall_script.hpp"
#include "actions/steps/firewall_text.hpp"
#include "actions/steps/iptables_rules.hpp"
#include "actions/steps/own_ports.hpp"
#include "actions/steps/words.hpp"
#include "core/io/ssh_client.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using Words = std::vector<std::string>;

Words list_of(JsonObject const& params, char const* key) {
    auto const* const list = params.if_contains(key);
    return list == nullptr ? Words{} : read_json<Words>(*list).value_or(Words{});
}

Result<Gates> wanted(JsonObject const& params) {
    bool const close = text_of(Json(params), "do") == "close";
    return gates_of(close, list_of(params, "ports"), list_of(params, "to"));
}

bool has_template(Words const& words) {
    for (auto const& word : words) {
        if (word.find("{{") != std::string::npos || word.find("${") != std::string::npos) {
            return true;
        }
    }
    return false;
}

std::vector<Error> problems(JsonObject const& params) {
    if (params.contains("from") && !params.contains("addresses")) {
        return {Error{Errc::invalid, "from needs addresses: what is asked there", "from"}};
    }
    bool const later =
        has_template(list_of(params, "ports")) || has_template(list_of(params, "to"));
    if (later) return {};  // judged once it is rendered
    auto gates = wanted(params);
    if (!gates) return {gates.error()};
    return {};
}

constexpr int looks_again = 2;

TypeInfo firewall_info() {
    TypeInfo info;
    info.name = "firewall";
    info.doc =
        "Closes ports of a machine to everybody outside, TCP and UDP, IPv4 and IPv6, in front of "
        "every rule that allows them, and opens them again as they were. The port of ssh and "
        "rollbackd's own are never closed; loopback stays open.";
    info.fields = {
        {.name = "do",
         .type = FieldType::choice,
         .doc = "Close, or open again what an earlier step has closed.",
         .required = true,
         .choices = {"close", "open"}},
        {.name = "ports",
         .type = FieldType::text_list,
         .doc = "Their numbers: [80, 443]. Each may be opened by a step of its own.",
         .required = true},
        {.name = "to",
         .type = FieldType::text_list,
         .doc = "With do: open: only for these addresses and networks, closed for all others."},
        {.name = "by",
         .type = FieldType::choice,
         .doc = "nftables: a table of our own, which also meets ports that containers publish and "
                "connections that stand; gone after a reboot. ufw: its own rules, which stay.",
         .otherwise = "nftables",
         .choices = {"nftables", "ufw"}},
        {.name = "command",
         .type = FieldType::argv,
         .doc = "How it is called: [sudo, nft]; default nft, or ufw."},
        {.name = "addresses",
         .type = FieldType::text_list,
         .doc =
             "Names or addresses the ports are asked at afterwards, from another machine: closed "
             "must not accept, open must not stay silent."},
        {.name = "from",
         .type = FieldType::text,
         .doc = "With addresses: the machine of `hosts` that asks; default: this one, where the "
                "step has a host."},
    };
    info.idempotent = true;
    info.problems = problems;
    info.runs_process = true;
    return info;
}

std::string verb_of(Gates const& gates) {
    switch (gates.state) {
        case Gate::closed:
            return "close";
        case Gate::limited:
            return "limit";
        case Gate::open:
            return "open";
    }
    return {};
}

bool is_ufw(StepJob const& job) { return job.text("by") == "ufw"; }

std::string spaced(Words const& words) {
    std::string out;
    for (auto const& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

std::string spaced(std::vector<std::uint16_t> const& ports) {
    Words words;
    for (auto const port : ports) words.push_back(std::to_string(port));
    return spaced(words);
}

Command command(StepJob const& job, Gates const& gates, std::string const& script) {
    auto tool = job.list("command");
    if (tool.empty()) tool.emplace_back(is_ufw(job) ? "ufw" : "nft");
    auto const calls = shell_function("tool", tool);
    Words const values{
        verb_of(gates),
        spaced(gates.ports),
        spaced(gates.networks),
        spaced(own_listening_ports()),
        job.is_remote() ? "there" : "here",
    };
    Command out;
    out.argv = script_argv("firewall", one_text(calls, firewall_prelude, script).c_str(), values);
    out.input = is_ufw(job) ? "" : nft_text(gates);
    return out;
}

/// What lets a new connection through in front of ours, in the rules of one family.
asio::awaitable<std::optional<std::string>> not_in_front(
    StepJob& job, Gates const& gates, std::string family
) {
    Command list;
    list.argv = script_argv("firewall", iptables_list, {family});
    list.output_max = 1024 * 1024;
    auto const end = co_await job.ask(std::move(list));
    if (!end.ok()) co_return "its rules cannot be listed: " + job.outcome(end).text;
    if (end.stdout_text == "none\n") co_return std::nullopt;
    for (auto const port : gates.ports) {
        for (auto const* const protocol : {"tcp", "udp"}) {
            auto const seen = judge_port(end.stdout_text, port, protocol, gates.networks);
            auto const where = "port " + std::to_string(port) + "/" + protocol + ", IPv" + family;
            if (!seen.before.empty()) {
                co_return where + ": in front of the deny stands " + seen.before.front();
            }
            if (!seen.dropped) co_return where + ": nothing denies it";
        }
    }
    co_return std::nullopt;
}

/// What is said against it from outside; nullopt: as it is to be.
asio::awaitable<std::optional<std::string>> seen_otherwise(StepJob& job, Gates const& gates) {
    auto const addresses = job.list("addresses");
    if (addresses.empty() || gates.state == Gate::limited) co_return std::nullopt;
    Command look;
    look.argv = script_argv("firewall", outside_look, {spaced(addresses), spaced(gates.ports)});
    auto const end = co_await job.ask_from(job.text("from"), std::move(look));
    auto const from = job.has("from") ? job.text("from") : "here";
    if (!end.ok()) co_return "cannot be looked at from " + from + ": " + end.describe();
    auto const ended = look_from_outside(end.stdout_text, gates.state == Gate::closed);
    if (!ended) co_return std::nullopt;
    co_return "as seen from " + from + ", " + *ended;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const gates = wanted(job.step().params);
    if (!gates) co_return outcome_of(OutcomeKind::failed, to_string(gates.error()));
    auto const script =
        is_ufw(job) ? one_text(ufw_ready, ufw_act) : one_text(nft_ready, nft_state, nft_act);
    auto const end = co_await job.process("firewall", command(job, *gates, script));
    auto outcome = job.outcome(end);
    if (!end.ok()) co_return outcome;
    std::optional<std::string> wrong;
    if (is_ufw(job) && gates->state != Gate::open) {
        wrong = co_await not_in_front(job, *gates, "4");
        if (!wrong) wrong = co_await not_in_front(job, *gates, "6");
    }
    if (!wrong) wrong = co_await seen_otherwise(job, *gates);
    // A busy machine may have been slow to answer; what is closed answers at no time.
    bool const opens = gates->state == Gate::open;
    for (int again = 0; wrong && opens && again < looks_again && !job.is_aborted(); ++again) {
        wrong = co_await seen_otherwise(job, *gates);
    }
    if (wrong) {
        // Told, and without the effect it is there for; what it did stays until it is opened.
        outcome.kind = job.is_aborted() ? OutcomeKind::aborted : OutcomeKind::failed;
        outcome.text += "; but " + job.shown(*wrong, StepJob::text_bytes_max);
    }
    co_return outcome;
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const gates = wanted(job.step().params);
    if (!gates) co_return never(to_string(gates.error()));
    auto const* const ready = is_ufw(job) ? ufw_ready : nft_ready;
    auto const end = co_await job.ask(command(job, *gates, ready));
    co_return objection(job, end);
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const gates = wanted(job.step().params);
    if (!gates) co_return outcome_of(OutcomeKind::failed, to_string(gates.error()));
    // ufw's rules and what they were are two things; told again they agree.
    if (is_ufw(job)) co_return outcome_of(OutcomeKind::failed, "ufw may be told again");
    auto const end =
        co_await job.ask(command(job, *gates, one_text(nft_state, "is_so || exit 1\n")));
    co_return settled(end);
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const gates = wanted(step.params);
    if (!gates) return "nothing: " + to_string(gates.error());
    auto text = gates->state == Gate::closed ? "close " + port_words(gates->ports) + " to everybody"
                : gates->state == Gate::open
                    ? "open " + port_words(gates->ports) + " as before they were closed"
                    : "open " + port_words(gates->ports) + " to " + spaced(gates->networks) +
                          " and to nobody else";
    text += text_of(params, "by") == "ufw" ? ", by rules of ufw in front of all others"
                                           : ", by tables of nftables in front of all others";
    auto const addresses = list_of(step.params, "addresses");
    if (addresses.empty() || gates->state == Gate::limited) return text;
    auto const from = text_of(params, "from");
    return text + "; and look at " + spaced(addresses) + " from " + (from.empty() ? "here" : from);
}

Effect effect(Step const& step) { return stops_or_starts(step, {"close"}); }

}  // namespace

StepType firewall_step() {
    return {
        .info = firewall_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd
