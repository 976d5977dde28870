#include "triggers/probes/remote.hpp"

#include "core/io/clock.hpp"
#include "core/io/process.hpp"
#include "core/io/secrets.hpp"
#include "core/io/ssh_client.hpp"
#include "triggers/probes/answers.hpp"

#include <algorithm>
#include <filesystem>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

// A thousand rows with their ids, ten thousand counters.
constexpr std::size_t answer_max = 4 * 1024 * 1024;
constexpr std::size_t more_max = 10'000;
constexpr std::size_t by_bytes_max = 128;
constexpr std::size_t id_bytes_max = 256;
constexpr int no_program_exit = 127;

/// What JSON can carry of a value: at most one member is there.
struct ValueLine {
    std::optional<StateValue> state;
    std::optional<OutcomesValue> outcomes;
    std::optional<GaugeValue> gauge;
    std::optional<TextValue> text;
    std::optional<UnknownValue> unknown;
};
BOOST_DESCRIBE_STRUCT(ValueLine, (), (state, outcomes, gauge, text, unknown))

struct MeasuredLine {
    ValueLine value;
    std::string by;
    std::string id;
    std::string client;
    std::optional<WallTime> at;
};
BOOST_DESCRIBE_STRUCT(MeasuredLine, (), (value, by, id, client, at))

struct AnswerLine {
    ValueLine value;
    std::string note;
    std::vector<MeasuredLine> more;
    std::optional<Json> saved;  // what the next question takes along
};
BOOST_DESCRIBE_STRUCT(AnswerLine, (), (value, note, more, saved))

struct Question {
    SignalPolicy signal;
    Duration timeout{};
    std::optional<Json> saved;  // of the answer before
};
BOOST_DESCRIBE_STRUCT(Question, (), (signal, timeout, saved))

ValueLine written(SampleValue const& value) {
    ValueLine line;
    if (auto const* const state = std::get_if<StateValue>(&value)) line.state = *state;
    if (auto const* const counts = std::get_if<OutcomesValue>(&value)) line.outcomes = *counts;
    if (auto const* const gauge = std::get_if<GaugeValue>(&value)) line.gauge = *gauge;
    if (auto const* const text = std::get_if<TextValue>(&value)) line.text = *text;
    if (auto const* const unknown = std::get_if<UnknownValue>(&value)) line.unknown = *unknown;
    return line;
}

std::optional<SampleValue> value_of(ValueLine& line) {
    std::optional<SampleValue> value;
    auto const take = [&value](auto& member) {
        if (!member) return;
        // Another machine's words, like any from outside.
        if constexpr (requires { member->reason; }) {
            member->reason = printable_line(member->reason, reason_bytes_max);
        }
        value = std::move(*member);
    };
    take(line.state);
    take(line.outcomes);
    take(line.gauge);
    take(line.text);
    take(line.unknown);
    return value;
}

/// Beside the usual places, where this very program lies: the same machine, or one set up alike.
std::string remote_line() {
    std::error_code code;
    auto const self = std::filesystem::read_symlink("/proc/self/exe", code);
    auto const folder = code ? std::string() : ":" + self.parent_path().string();
    return "PATH=\"$PATH\":" + shell_quote("/usr/local/bin:/usr/bin" + folder) +
           " exec rollbackd --probe";
}

std::string last_line(std::string const& text) {
    auto const end = text.find_last_not_of("\r\n ");
    if (end == std::string::npos) return {};
    auto const begin = text.find_last_of('\n', end);
    return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
}

bool is_well(ProbeAnswer const& answer) {
    if (!answer.value || std::holds_alternative<UnknownValue>(*answer.value)) return false;
    Sample sample;
    sample.value = *answer.value;
    return !is_failure(sample);
}

class RemoteProbe final : public Probe {
public:
    RemoteProbe(SignalPolicy signal, ProbeContext const& context)
        : context_(context), host_(signal.from) {
        question_.signal = std::move(signal);
        question_.signal.from.clear();
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto const* const target = target_now();
        if (target == nullptr) co_return unknown_answer("cannot_look: there is no host " + host_);
        question_.timeout = timeout - way_.share(timeout);
        ProcessSpec spec;
        spec.argv = ssh_command(*target, remote_line());
        spec.input = to_text(to_json(question_)) + "\n";
        spec.timeout = timeout;
        spec.grace = std::chrono::milliseconds(500);
        spec.output_max = answer_max;
        auto const began = context_.clock.now().boot;
        auto const result = co_await run_process(std::move(spec));
        auto answer = taken(result);
        if (result && result->timed_out) way_.was_late(timeout);
        if (is_well(answer)) way_.was_well(context_.clock.now().boot - began);
        co_return answer;
    }

    // What a probe there builds upon is kept here: nothing of it runs between two questions.
    Json save() const override { return question_.saved.value_or(nullptr); }
    void resume(Json const& saved) override {
        if (!saved.is_null()) question_.saved = saved;
    }

private:
    /// Hosts change with the policy.
    SshTarget const* target_now() const {
        if (context_.hosts == nullptr) return nullptr;
        auto const found = context_.hosts->find(host_);
        return found == context_.hosts->end() ? nullptr : &found->second;
    }

    ProbeAnswer taken(Result<ProcessResult> const& result) {
        auto const at = " (from " + host_ + ")";
        if (!result) return unknown_answer(trouble_of(result.error()) + at);
        if (result->timed_out) return unknown_answer("timeout: " + result->describe() + at);
        auto const said = context_.secrets.redact(last_line(result->errors));
        if (result->exit == ssh_failed_exit) return unknown_answer("unreachable: " + said + at);
        if (result->exit == no_program_exit) {
            return unknown_answer("missing: rollbackd is not installed on " + host_);
        }
        if (!result->ok()) {
            return unknown_answer("cannot_look: " + result->describe() + ", " + said + at);
        }
        if (result->output_cut) return unknown_answer("too_large: the answer" + at);
        auto answer = read_answer(result->output);
        if (!answer) return unknown_answer("garbage: " + answer.error().what + at);
        question_.saved = std::move(answer->saved);
        return std::move(answer->answer);
    }

    ProbeContext context_;
    std::string host_;
    Question question_;
    WayThere way_;
};

}  // namespace

Duration WayThere::share(Duration timeout) const {
    auto const standard = std::min<Duration>(timeout / 4, std::chrono::seconds(2));
    return std::min<Duration>(std::max(standard, learnt_.value_or(standard)), timeout * 3 / 4);
}

void WayThere::was_well(Duration took) {
    if (learnt_) learnt_ = std::min<Duration>(*learnt_, took * 5 / 4);
}

void WayThere::was_late(Duration timeout) { learnt_ = share(timeout) * 2; }

std::unique_ptr<Probe> make_remote_probe(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<RemoteProbe>(signal, context);
}

asio::awaitable<Result<std::string>> answer_remote(std::string question, ProbeContext context) {
    auto const json = parse_json(question);
    auto const asked =
        json ? read_json<Question>(*json) : Result<Question>(tl::unexpected<Error>(json.error()));
    if (!asked) co_return tl::unexpected<Error>(asked.error());
    if (!asked->signal.from.empty()) co_return fail(Errc::invalid, "not from a third machine");
    auto const probe = make_probe(asked->signal, context);
    if (!probe) co_return tl::unexpected<Error>(probe.error());
    if (asked->saved) (*probe)->resume(*asked->saved);
    RemoteAnswer answer;
    answer.answer = co_await (*probe)->ask(asked->timeout);
    if (auto saved = (*probe)->save(); !saved.is_null()) answer.saved = std::move(saved);
    co_return write_answer(answer);
}

std::string write_answer(RemoteAnswer const& answer) {
    AnswerLine line;
    line.note = answer.answer.note;
    if (answer.answer.value) line.value = written(*answer.answer.value);
    for (auto const& one : answer.answer.more) {
        line.more.push_back({written(one.value), one.by, one.id, one.client, one.at});
    }
    line.saved = answer.saved;
    return to_text(to_json(line)) + "\n";
}

Result<RemoteAnswer> read_answer(std::string_view text) {
    auto const json = parse_json(text.substr(0, text.find('\n')));
    auto read = json ? read_json<AnswerLine>(*json)
                     : Result<AnswerLine>(fail(Errc::invalid, "no line of JSON came back"));
    if (!read) return tl::unexpected<Error>(read.error());
    // It may be empty: a first look at counters has nothing to compare with.
    if (find(*json, "value") == nullptr) return fail(Errc::invalid, "an answer without a value");
    if (read->more.size() > more_max) {
        return fail(Errc::too_large, "more than " + std::to_string(more_max) + " values");
    }
    RemoteAnswer out;
    out.answer.note = printable_line(read->note, reason_bytes_max);
    out.answer.value = value_of(read->value);
    for (auto& line : read->more) {
        auto value = value_of(line.value);
        if (!value) return fail(Errc::invalid, "one of several values is none");
        out.answer.more.push_back(
            {std::move(*value), printable(line.by, by_bytes_max), line.id.substr(0, id_bytes_max),
             printable(line.client, by_bytes_max), line.at}
        );
    }
    out.saved = std::move(read->saved);
    return out;
}

}  // namespace rollbackd
