// libFuzzer: whatever text a policy holds, parsing, checking and judging it ends, without harm.
// And whatever a checkpoint holds, loading a window from it does.
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/condition.hpp"

#include <algorithm>

using namespace rollbackd;

namespace {

SignalTable signals() {
    SignalTable out;
    out["s"] = {
        SignalKind::state, "http", std::chrono::seconds(5), std::chrono::seconds(17),
        std::chrono::seconds(1)
    };
    out["o"] = {SignalKind::outcomes, "push", {}, {}, {}};
    out["g"] = {SignalKind::gauge, "tls", {}, {}, {}};
    out["t"] = {SignalKind::text, "push", {}, {}, {}};
    return out;
}

void judge(std::string_view text, SignalWindow const& window) {
    auto const condition = Condition::parse(text);
    if (!condition) return;
    (void)check(*condition, signals());
    (void)can_be_true_by_absence(*condition);
    EvalContext context;
    context.now = Instant(std::chrono::hours(1));
    context.deployed_at = context.now - std::chrono::minutes(5);
    context.signal = [&](std::string_view) { return &window; };
    auto const quick = evaluate(*condition, context, false);
    auto const told = evaluate(*condition, context, true);
    ensure(quick.verdict == told.verdict, "the proof changes no verdict");
    context.widen = std::chrono::minutes(30);
    context.ignore_before = context.now - std::chrono::minutes(10);
    (void)evaluate(*condition, context, true);
}

}  // namespace

int rollbackd::fuzz::condition(std::uint8_t const* data, std::size_t size) {
    // Up to the first zero byte: the condition. After it: a saved window's bytes.
    std::string_view const all(reinterpret_cast<char const*>(data), size);
    auto const end = std::min(all.find('\0'), all.size());
    auto const rest = all.substr(std::min(end + 1, all.size()));
    WindowRules const rules{SignalKind::outcomes, std::chrono::hours(1), {}};
    auto const loaded =
        SignalWindow::load(rules, JsonObject{{"format", 1}, {"data", std::string(rest)}});
    SignalWindow window = loaded ? *loaded : SignalWindow(rules);
    Sample sample;
    sample.at = Instant(std::chrono::minutes(59));
    sample.value = OutcomesValue{3, 1, 0, "status: 500"};
    (void)window.observe(sample);
    judge(all.substr(0, end), window);
    return 0;
}
