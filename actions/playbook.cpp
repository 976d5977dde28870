#include "actions/playbook.hpp"

#include "actions/template.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

bool is_destructive(Step const& step) { return step.destructive; }

/// Collects names in order of first use. A malformed template has none: configuration reports it.
class Names {
public:
    void add(std::string_view text) {
        auto const found = template_names(text);
        if (!found) return;
        for (auto const& name : *found) {
            if (std::find(names_.begin(), names_.end(), name) == names_.end()) {
                names_.push_back(name);
            }
        }
    }

    void add(Json const& value) {
        if (auto const* const text = value.if_string()) {
            add(std::string_view(*text));
        } else if (auto const* const array = value.if_array()) {
            for (auto const& item : *array) add(item);
        } else if (auto const* const object = value.if_object()) {
            for (auto const& member : *object) add(member.value());
        }
    }

    void add(std::vector<std::string> const& texts) {
        for (auto const& text : texts) add(std::string_view(text));
    }

    void add(Step const& step) {
        for (auto const& member : step.params) add(member.value());
        add(step.check);
    }

    void add(Check const& check) {
        add(std::string_view(check.condition));
        add(check.argv);
        add(std::string_view(check.text));
    }

    std::vector<std::string> take() && { return std::move(names_); }

private:
    std::vector<std::string> names_;
};

}  // namespace

bool needs_approval(Playbook const& playbook) {
    return playbook.approval || playbook.data_loss != DataLoss::none ||
           playbook.undoes == Undoes::schema || playbook.undoes == Undoes::data ||
           std::any_of(playbook.steps.begin(), playbook.steps.end(), is_destructive) ||
           std::any_of(playbook.always.begin(), playbook.always.end(), is_destructive);
}

std::string_view saved_part(std::string_view name, std::string_view part) {
    constexpr std::string_view prefix = "steps.";
    if (!name.starts_with(prefix)) return {};
    name.remove_prefix(prefix.size());
    auto const dot = name.rfind('.');
    if (dot == std::string_view::npos || name.substr(dot + 1) != part) return {};
    return name.substr(0, dot);
}

std::string asks_version_of(std::vector<Step> const& steps) {
    Names names;
    for (auto const& step : steps) names.add(step);
    for (auto const& name : std::move(names).take()) {
        auto const saved = saved_part(name, "version");
        if (!saved.empty()) return std::string(saved);
    }
    return {};
}

bool takes_release_back(Playbook const& playbook) {
    if (playbook.undoes == Undoes::release) return true;
    if (playbook.undoes == Undoes::nothing) return false;
    if (!asks_version_of(playbook.steps).empty()) return true;
    auto const names = template_names(playbook);
    return std::find(names.begin(), names.end(), "known_good.version") != names.end();
}

std::vector<std::string> template_names(Playbook const& playbook) {
    Names names;
    for (auto const& step : playbook.steps) names.add(step);
    for (auto const& step : playbook.always) names.add(step);
    for (auto const& check : playbook.verify) names.add(check);
    for (auto const& check : playbook.success) names.add(check);
    names.add(playbook.follow_up);
    for (auto const& duty : playbook.duties) names.add(std::string_view(duty.text));
    return std::move(names).take();
}

}  // namespace rollbackd
