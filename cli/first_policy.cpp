#include "cli/first_policy.hpp"

#include "core/names.hpp"

namespace rollbackd::cli {

namespace {

/// A YAML scalar that is always text.
std::string quoted(std::string const& text) {
    std::string out = "\"";
    for (char const c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

constexpr char const* head =
    R"(# A first policy, written by `rollbackctl init`. It only observes: rollbackd decides and records
# what it would do, and does nothing. Change the lines marked CHANGE, then:
#
#   rollbackctl check FILE            every mistake, with its line
#   rollbackd --config FILE           run it
#   rollbackctl deploy SERVICE VERSION --known-good
#                                     say which version is good, so that there is one to go back to
#   rollbackctl watch                 see what it would do
#
# When you trust what you see: autonomy: advise (acts after your approval), then enforce.
version: 1

daemon:
  listen: [127.0.0.1:8620]
  store: sqlite:/var/lib/rollbackd/rollbackd.db
  autonomy: observe
  # Without a token only this machine may read and push. Make one with: rollbackctl token new
  # tokens: []

notify:
  # CHANGE: where people read messages, for example
  #   ops: { webhook: { url_file: /etc/rollbackd/slack-url, format: slack } }
  log: { exec: { argv: [logger, -t, rollbackd] } }

services:
)";

std::string release_of(Findings const& found) {
    if (found.repo.empty()) {
        return "    # CHANGE: how to ask which version runs, for example\n"
               "    #   release: { version: { git: /srv/app } }\n";
    }
    return "    release:\n      version: { git: " + quoted(found.repo) + " }\n";
}

/// What a release is not to blame for: a service of its own, which it depends on.
std::string database_of(Findings const& found) {
    if (found.postgres.empty()) return "";
    return "  database:                            # PostgreSQL was found on this machine\n"
           "    signals:\n"
           "      port: { tcp: { address: 127.0.0.1:5432 }, every: 5s }\n"
           "    triggers:\n"
           "      gone: { when: consecutive_failures(port) >= 3, severity: P1, response: alert }\n";
}

std::string signals_of(Findings const& found) {
    std::string out =
        "    vars:\n"
        "      url: http://127.0.0.1:3000        # CHANGE: where the service answers\n"
        "    signals:\n"
        "      health:\n"
        "        http: { url: \"{{ url }}/health\", expect: { status: 200 } }\n"
        "        every: 5s\n"
        "        confirm_every: 500ms             # after a failure, until it is settled\n"
        "        timeout: 2s\n";
    if (!found.access_log.empty()) {
        out += "      requests:\n        access_log: { path: " + quoted(found.access_log) + " }\n";
    }
    return out;
}

std::string triggers_of(Findings const& found) {
    bool const can_roll_back = !found.repo.empty();
    std::string const response = can_roll_back ? "code-rollback" : "alert";
    std::string out =
        "    triggers:\n"
        "      down:\n"
        "        when: consecutive_failures(health) >= 3\n"
        "        severity: P0\n"
        "        response: " +
        response + "\n";
    if (!found.access_log.empty()) {
        out +=
            "      errors:\n"
            "        when: \"failure_ratio(requests, 5m) > 1%\"\n"
            "        min_count: 100\n"
            "        severity: P1\n"
            "        response: " +
            response + "\n";
    }
    return out;
}

std::string evidence_of(Findings const& found) {
    std::string out;
    if (!found.unit.empty()) out += "[systemctl, status, " + quoted(found.unit) + "], ";
    if (!found.compose.empty()) {
        out += "[docker, compose, --project-directory, " + quoted(found.compose) + ", ps], ";
    }
    if (!found.pm2_app.empty()) out += "[pm2, describe, " + quoted(found.pm2_app) + "], ";
    return out + "[ps, aux]";
}

/// What makes the code that was checked out take effect.
std::string effect_of(Findings const& found) {
    if (!found.unit.empty()) {
        return "          - systemd: { unit: " + quoted(found.unit) + ", do: restart }\n";
    }
    if (!found.compose.empty()) {
        auto const cwd = ", cwd: " + quoted(found.compose) + " }\n";
        return "          - compose: { do: build" + cwd + "          - compose: { do: up" + cwd;
    }
    if (!found.pm2_app.empty()) {
        return "          - pm2: { app: " + quoted(found.pm2_app) + ", do: restart }\n";
    }
    return "          # CHANGE: what makes the code take effect, for example\n"
           "          # - systemd: { unit: app.service, do: restart }\n";
}

std::string playbooks_of(Findings const& found) {
    if (found.repo.empty()) {
        return "    # No git work tree was found, so there is no rollback yet: triggers only "
               "alert. See\n"
               "    # the shipped examples for playbooks.\n";
    }
    std::string out =
        "    playbooks:\n"
        "      code-rollback:\n"
        "        undoes: release                  # only within the watch window, if it was good "
        "before\n"
        "        risk: low\n"
        "        data_loss: none\n"
        "        budget: 5m\n"
        "        steps:\n";
    out += "          - capture_evidence: { commands: [" + evidence_of(found) +
           "] }\n          - git_checkout: { repo: " + quoted(found.repo) +
           ", to: \"{{ known_good.version }}\" }\n" + effect_of(found);
    return out + "        verify:\n          - { until: ok(health), within: 60s }\n";
}

}  // namespace

std::string first_policy(Findings const& found) {
    auto const depends = found.postgres.empty() ? "" : "    depends_on: [database]\n";
    return head + database_of(found) + ("  " + found.service + ":\n") + depends +
           "    watch_window: 30m                 # how long a deployment may be blamed\n"
           "    start_period: 20s                 # failures this soon after a deployment wait\n" +
           release_of(found) + signals_of(found) + triggers_of(found) + playbooks_of(found);
}

std::string root_rules(Findings const& found) {
    std::string out;
    if (!found.unit.empty()) {
        out +=
            "# /etc/polkit-1/rules.d/50-rollbackd-units.rules: rollbackd may restart this unit\n"
            "polkit.addRule(function (action, subject) {\n"
            "    if (subject.user === \"rollbackd\" &&\n"
            "        action.id === \"org.freedesktop.systemd1.manage-units\" &&\n"
            "        action.lookup(\"unit\") === " +
            quoted(found.unit) +
            ") {\n"
            "        return polkit.Result.YES;\n"
            "    }\n"
            "});\n";
    }
    if (!found.access_log.empty()) {
        out += "# so that rollbackd can read nginx's log:\nusermod -aG adm rollbackd\n";
    }
    if (!found.compose.empty() && found.unit.empty()) {
        out +=
            "# Docker's socket is as good as root; whoever may use it owns the machine:\n"
            "usermod -aG docker rollbackd\n";
    }
    if (!found.pm2_app.empty() && found.unit.empty() && found.compose.empty()) {
        out +=
            "# /etc/sudoers.d/rollbackd: PM2 as the user it runs as. CHANGE app, and in the "
            "policy:\n"
            "#   pm2: { app: …, do: restart, command: [sudo, -n, -u, app, pm2] }\n"
            "rollbackd ALL=(app) NOPASSWD: /usr/bin/pm2\n";
    }
    return out;
}

std::string service_name_from(std::string const& directory) {
    std::string name;
    for (char const c : directory) {
        std::string const longer = name + c;
        if (is_valid_name(longer)) name = longer;
    }
    return name.empty() ? "app" : name;
}

}  // namespace rollbackd::cli
