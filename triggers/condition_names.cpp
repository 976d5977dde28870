// What a condition reads, by name: its signals with their windows, services, functions.
#include "triggers/condition_expr.hpp"

#include <algorithm>

namespace rollbackd {

std::vector<std::string> Condition::signals() const {
    std::vector<std::string> out;
    if (!root_) return out;
    walk(*root_, [&](Expr const& expr) {
        std::string const name(signal_of(expr));
        if (!name.empty() && std::find(out.begin(), out.end(), name) == out.end()) {
            out.push_back(name);
        }
    });
    return out;
}

namespace {

std::vector<std::string> names_given(Expr const* root, Shape shape) {
    std::vector<std::string> out;
    if (root == nullptr) return out;
    walk(*root, [&](Expr const& expr) {
        if (expr.op != Op::call || expr.function == nullptr || expr.args.empty()) return;
        if (expr.function->shape != shape || expr.args[0].op != Op::name) return;
        auto const& name = expr.args[0].text;
        if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    });
    return out;
}

}  // namespace

std::vector<std::string> Condition::services() const {
    return names_given(root_.get(), Shape::service);
}

std::vector<std::string> Condition::playbooks() const {
    auto out = names_given(root_.get(), Shape::playbook);
    for (auto& name : names_given(root_.get(), Shape::playbook_window)) {
        if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
    }
    return out;
}

Duration Condition::window_of(std::string_view signal) const {
    Duration longest{};
    if (!root_) return longest;
    walk(*root_, [&](Expr const& expr) {
        if (signal_of(expr) != signal || signal.empty()) return;
        longest = std::max(longest, rollbackd::window_of(expr));
        // A baseline is taken over at least this long a time before the deployment.
        if (expr.function->fn == Fn::baseline) longest = std::max<Duration>(longest, baseline_min);
    });
    return longest;
}

bool Condition::uses(std::string_view function) const {
    bool found = false;
    if (!root_) return found;
    walk(*root_, [&](Expr const& expr) {
        found = found || (expr.op == Op::call && expr.text == function);
    });
    return found;
}

bool Condition::uses(std::string_view function, std::string_view signal) const {
    bool found = false;
    if (!root_) return found;
    walk(*root_, [&](Expr const& expr) {
        found =
            found || (expr.op == Op::call && expr.text == function && signal_of(expr) == signal);
    });
    return found;
}

bool Condition::measures(std::string_view signal) const {
    return root_ && measures_latency(*root_, signal);
}

}  // namespace rollbackd
