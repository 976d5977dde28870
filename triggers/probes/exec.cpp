// exec: any check command. By default its exit code means what the monitoring plugins mean by it:
// 0 ok, 1 warning, 2 critical, 3 and everything else: the plugin itself does not know. With
// `measure` it is a gauge: one number of the plugin's performance data.
#include "core/io/secrets.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/plugin_output.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t output_max = 64 * 1024;

Field choice(std::string name, std::string doc, std::vector<std::string> choices) {
    Field field;
    field.name = std::move(name);
    field.type = FieldType::choice;
    field.doc = std::move(doc);
    field.otherwise = to_json(choices.front());
    field.choices = std::move(choices);
    return field;
}

TypeInfo exec_info() {
    TypeInfo info;
    info.name = "exec";
    info.doc = "A check command, such as any monitoring plugin. A state; with measure a gauge.";
    info.is_probe = true;
    info.fields = {
        {.name = "argv", .type = FieldType::argv, .doc = "The command.", .required = true},
        {.name = "cwd", .type = FieldType::path, .doc = "Folder it runs in; absent: /."},
        {.name = "env",
         .type = FieldType::text_map,
         .doc = "Variables of its environment, on top of a clean one."},
        {.name = "measure",
         .type = FieldType::text,
         .doc = "Label of the performance data that is the signal's number: time, size, share."},
        choice(
            "codes",
            "nagios: 0 ok, 1 warning, 2 critical, any other unknown; plain: 0 ok, any other "
            "failed.",
            {"nagios", "plain"}
        ),
        choice("warning", "What a warning (exit 1 of nagios codes) counts as.", {"failed", "ok"}),
        choice(
            "timed_out", "What a command that does not end in time counts as.",
            {"unknown", "failed"}
        ),
    };
    return info;
}

std::vector<Error> check_exec(JsonObject const& params) {
    if (!is_measured(params) || !text_of(Json(params), "measure").empty()) return {};
    return {Error{Errc::invalid, "expected a label of the performance data", "measure"}};
}

enum class PluginVerdict { ok, warning, critical, unknown };

class ExecProbe final : public Probe {
public:
    ExecProbe(JsonObject const& params, ProbeContext const& context)
        : params_(params), secrets_(context.secrets), place_(context) {
        measure_ = text_of(params_, "measure");
        plain_ = text_of(params_, "codes") == "plain";
        warning_fails_ = text_of(params_, "warning") != "ok";
        late_fails_ = text_of(params_, "timed_out") == "failed";
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto spec = command();
        if (!spec) co_return unknown_answer("cannot_look: " + to_string(spec.error()));
        spec->timeout = timeout;
        auto const result = co_await place_.run(std::move(*spec));
        co_return judged(result);
    }

private:
    Result<ProcessSpec> command() const {
        ProcessSpec spec;
        spec.output_max = output_max;
        spec.cwd = text_of(params_, "cwd");
        for (auto const& word : find(params_, "argv")->get_array()) {
            auto filled = secrets_.expand(std::string_view(word.get_string()));
            if (!filled) return tl::unexpected<Error>(filled.error());
            spec.argv.push_back(std::move(*filled));
        }
        auto const* const env = find(params_, "env");
        if (env == nullptr) return spec;
        for (auto const& [name, value] : env->get_object()) {
            auto filled = secrets_.expand(text_of(*env, name));
            if (!filled) return tl::unexpected<Error>(filled.error());
            spec.env[std::string(name)] = std::move(*filled);
        }
        return spec;
    }

    PluginVerdict verdict_of(int exit) const {
        if (exit == 0) return PluginVerdict::ok;
        // 126 and 127: what a shell answers that could not run it.
        if (plain_) return exit < 126 ? PluginVerdict::critical : PluginVerdict::unknown;
        if (exit == 1) return PluginVerdict::warning;
        return exit == 2 ? PluginVerdict::critical : PluginVerdict::unknown;
    }

    ProbeAnswer judged(Result<ProcessResult> const& result) const {
        if (!result && result.error().code == Errc::timeout && late_fails_ && measure_.empty()) {
            return failed_answer(trouble_of(result.error()));
        }
        if (!result) return unknown_answer(trouble_of(result.error()));
        if (!result->exit) return unknown_answer("signal: " + result->describe());
        auto const parsed = parse_plugin_output(result->output);
        auto const& said = parsed.text.empty() ? result->errors : parsed.text;
        auto const line = said.substr(0, std::min(said.find('\n'), reason_bytes_max));
        auto const text = secrets_.redact(line);
        auto const verdict = verdict_of(*result->exit);
        auto const code =
            "exit " + std::to_string(*result->exit) + (text.empty() ? std::string() : ", " + text);
        if (verdict == PluginVerdict::unknown) return unknown_answer("unknown: " + code);
        if (!measure_.empty()) return measured(parsed, text);
        if (verdict == PluginVerdict::ok) return good_answer(text, result->took);
        auto const warning = verdict == PluginVerdict::warning;
        if (warning && !warning_fails_) return good_answer("warning: " + text, result->took);
        auto const slug = plain_ ? "exit: " : warning ? "warning: " : "critical: ";
        return failed_answer(slug + (plain_ || text.empty() ? code : text), result->took);
    }

    ProbeAnswer measured(PluginOutput const& parsed, std::string const& text) const {
        auto const value = parsed.value_of(measure_);
        if (value) return number_answer(*value, text);
        std::string known;
        for (auto const& other : parsed.values) known += (known.empty() ? "" : ", ") + other.label;
        if (known.empty()) known = "nothing";
        return unknown_answer(
            "garbage: no number called " + measure_ + " in its performance data, which has " + known
        );
    }

    Json params_;
    Secrets& secrets_;
    Place place_;
    std::string measure_;
    bool plain_ = false;
    bool warning_fails_ = true;
    bool late_fails_ = false;
};

std::unique_ptr<Probe> make_exec(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<ExecProbe>(signal.params, context);
}

}  // namespace

ProbeType exec_probe() { return ProbeType{exec_info(), &check_exec, &make_exec}; }

}  // namespace rollbackd
