// Names that must lead somewhere: channels, hosts, services, playbooks, roles.
#include "config/keys.hpp"
#include "config/lint.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

template <class List>
std::vector<std::string> names_of(List const& list) {
    std::vector<std::string> names;
    for (auto const& item : list) names.push_back(item.name);
    return names;
}

bool contains(std::vector<std::string> const& names, std::string const& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// One kind of thing that is referred to by name.
struct Kind {
    std::string_view what;
    std::vector<std::string> known;
};

class NameCheck {
public:
    explicit NameCheck(Lint const& lint)
        : lint_(lint),
          channels_{"channel", names_of(lint.policy.channels)},
          hosts_{"host", names_of(lint.policy.hosts)},
          services_{"service", names_of(lint.policy.services)} {}

    void run() {
        for (auto const& service : lint_.policy.services) check_service(service);
        check_matrix();
        for (auto const& channel : lint_.policy.channels) check_fallback(channel);
        for (std::size_t i = 0; i < lint_.policy.services.size(); ++i) check_cycle(i);
    }

private:
    void expect(std::string const& path, std::string const& name, Kind const& kind) const {
        if (name.empty() || contains(kind.known, name)) return;
        lint_.error(
            path + "=", "there is no " + std::string(kind.what) + " \"" + printable(name, 80) +
                            "\"" + suggest(name, kind.known)
        );
    }

    void expect_all(
        std::string const& path, std::vector<std::string> const& names, Kind const& kind
    ) const {
        for (std::size_t i = 0; i < names.size(); ++i) {
            expect(path + "." + std::to_string(i), names[i], kind);
        }
    }

    void check_duties(std::string const& path, std::vector<Duty> const& duties) const {
        for (std::size_t i = 0; i < duties.size(); ++i) {
            expect(path + ".duties." + std::to_string(i) + ".to", duties[i].to, channels_);
        }
    }

    void check_service(ServicePolicy const& service) const {
        auto const base = "services." + service.name;
        Kind const playbooks{"playbook", names_of(service.playbooks)};
        expect_all(base + ".depends_on", service.depends_on, services_);
        expect_all(base + ".notify", service.notify, channels_);
        check_duties(base, service.duties);
        for (auto const& signal : service.signals) {
            expect(base + ".signals." + signal.name + ".from", signal.from, hosts_);
        }
        for (auto const& trigger : service.triggers) {
            auto const path = base + ".triggers." + trigger.name;
            expect_all(path + ".notify", trigger.notify, channels_);
            check_condition(path + ".when", trigger.when);
            expect_all_named(path + ".when", trigger.when.playbooks(), playbooks);
            check_response(path + ".response", trigger.response, playbooks);
        }
        for (auto const& playbook : service.playbooks) {
            auto const path = base + ".playbooks." + playbook.name;
            check_steps(path + ".steps", playbook.steps);
            check_steps(path + ".always", playbook.always);
            check_checks(path + ".verify", playbook.verify);
            check_checks(path + ".success", playbook.success);
            check_duties(path, playbook.duties);
            expect_all(path + ".on_failure", playbook.on_failure, playbooks);
        }
    }

    void expect_all_named(
        std::string const& path, std::vector<std::string> const& names, Kind const& kind
    ) const {
        for (auto const& name : names) expect(path, name, kind);
    }

    void check_condition(std::string const& path, Condition const& condition) const {
        for (auto const& name : condition.services()) expect(path, name, services_);
    }

    void check_response(
        std::string const& path, std::optional<Response> const& response, Kind const& playbooks
    ) const {
        if (!response) return;
        for (std::size_t i = 0; i < response->rungs.size(); ++i) {
            auto const item = path + "." + std::to_string(i);
            auto const run = item + ".run";
            expect(lint_.written(run) ? run : item, response->rungs[i].run, playbooks);
        }
    }

    void check_steps(std::string const& path, std::vector<Step> const& steps) const {
        for (std::size_t i = 0; i < steps.size(); ++i) {
            auto const at = path + "." + std::to_string(i);
            expect(at + ".host", steps[i].host, hosts_);
            if (steps[i].type == "notify") expect_param(at, steps[i], "to", channels_);
            bool const asks = steps[i].type == "firewall" || steps[i].type == "copy";
            if (asks) expect_param(at, steps[i], "from", hosts_);
            if (steps[i].type == "copy") expect_param(at, steps[i], "at", hosts_);
        }
    }

    void expect_param(
        std::string const& at, Step const& step, std::string const& key, Kind const& kind
    ) const {
        auto const* const value = step.params.if_contains(key);
        if (value == nullptr || !value->is_string()) return;
        std::string const name(value->get_string());
        if (name.find("{{") != std::string::npos) return;
        expect(at + "." + step.type + "." + key, name, kind);
    }

    void check_checks(std::string const& path, std::vector<Check> const& checks) const {
        for (std::size_t i = 0; i < checks.size(); ++i) {
            auto const at = path + "." + std::to_string(i);
            expect(at + ".from", checks[i].from, hosts_);
            if (checks[i].condition.empty()) continue;
            auto const key = checks[i].kind == CheckKind::hold ? ".hold" : ".until";
            if (auto const condition = Condition::parse(checks[i].condition)) {
                check_condition(at + key, *condition);
            }
        }
    }

    void check_matrix() const {
        Kind roles{"role or playbook", keys::roles()};
        for (auto const& service : lint_.policy.services) {
            for (auto const& playbook : service.playbooks) {
                if (!contains(roles.known, playbook.name)) roles.known.push_back(playbook.name);
            }
        }
        auto const& matrix = lint_.policy.matrix;
        for (std::size_t i = 0; i < matrix.size(); ++i) {
            check_response("matrix." + std::to_string(i) + ".response", matrix[i].response, roles);
        }
    }

    void check_fallback(ChannelPolicy const& channel) const {
        auto const path = "notify." + channel.name + ".fallback";
        expect(path, channel.fallback, channels_);
        auto const* next = lint_.policy.channel(channel.fallback);
        std::string trail = channel.name;
        for (std::size_t n = 0; next != nullptr && n < channels_.known.size(); ++n) {
            trail += " → " + next->name;
            if (next == &channel) {
                lint_.error(path + "=", "channels fall back on each other in a circle: " + trail);
                return;
            }
            next = lint_.policy.channel(next->fallback);
        }
    }

    /// Reports a cycle at the first of its services only.
    void check_cycle(std::size_t start) const {
        auto const& services = lint_.policy.services;
        std::vector<std::string> trail{services[start].name};
        if (!find_way_back(start, start, trail)) return;
        std::string text;
        for (auto const& name : trail) text += name + " → ";
        lint_.error(
            "services." + services[start].name + ".depends_on",
            "services depend on each other in a circle: " + text + services[start].name
        );
    }

    bool find_way_back(std::size_t at, std::size_t start, std::vector<std::string>& trail) const {
        auto const& services = lint_.policy.services;
        for (auto const& name : services[at].depends_on) {
            auto const& known = services_.known;
            auto const next =
                std::size_t(std::find(known.begin(), known.end(), name) - known.begin());
            if (next == start) return true;
            // A circle is reported once: from the service that comes first in the file.
            if (next < start || next >= services.size() || contains(trail, name)) continue;
            trail.push_back(name);
            if (find_way_back(next, start, trail)) return true;
            trail.pop_back();
        }
        return false;
    }

    Lint const& lint_;
    Kind channels_;
    Kind hosts_;
    Kind services_;
};

}  // namespace

TypeInfo const* Lint::step_type(std::string_view name) const {
    auto const found =
        std::find_if(catalogue.steps.begin(), catalogue.steps.end(), [&](TypeInfo const& type) {
            return type.name == name;
        });
    return found == catalogue.steps.end() ? nullptr : &*found;
}

std::string path_of(ServicePolicy const& service, std::string_view part, std::string_view name) {
    return "services." + service.name + "." + std::string(part) + "." + std::string(name);
}

void lint_names(Lint const& lint) { NameCheck(lint).run(); }

}  // namespace rollbackd
