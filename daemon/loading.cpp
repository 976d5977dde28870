#include "daemon/loading.hpp"

#include "config/catalogue.hpp"
#include "core/io/secrets.hpp"
#include "daemon/app.hpp"

#include <unistd.h>
#include <array>
#include <cstdio>

namespace rollbackd {

namespace {

LoadOptions options_for(bool secrets_required, bool look_at_files) {
    LoadOptions options;
    options.secrets_required = secrets_required;
    options.look_at_files = look_at_files;
    return options;
}

}  // namespace

LoadResult load_for_start(std::string const& path) {
    return load_policy(path, known_types(), options_for(true, true));
}

std::vector<std::string> read_secrets(LoadResult const& result) {
    Secrets secrets;
    std::vector<std::string> values;
    auto const take = [&values](Result<std::string> value) {
        if (value) values.push_back(*std::move(value));
    };
    for (auto const& path : result.secret_files) take(secrets.from_file(path));
    for (auto const& name : result.secret_variables) take(secrets.expand("${" + name + "}"));
    return values;
}

void print_problems(LoadResult const& result) {
    for (auto const& problem : result.problems)
        std::fprintf(stderr, "%s\n", to_string(problem).c_str());
}

std::string first_error(LoadResult const& result) {
    for (auto const& problem : result.problems) {
        if (!problem.warning) return to_string(problem);
    }
    return "";
}

Json problems_to_json(LoadResult const& result) {
    JsonArray problems;
    for (auto const& problem : result.problems) {
        problems.push_back(JsonObject{
            {"severity", problem.warning ? "warning" : "error"},
            {"file", problem.file},
            {"line", problem.line},
            {"column", problem.column},
            {"text", problem.what}
        });
    }
    JsonObject out{{"ok", result.ok()}};
    if (result.ok()) {
        out["hash"] = result.policy->hash;
        out["services"] = result.policy->services.size();
    }
    out["problems"] = std::move(problems);
    return out;
}

Json check_policy_text(std::string_view yaml) {
    return problems_to_json(parse_policy(yaml, "request", known_types(), options_for(false, false))
    );
}

std::string restart_note(DaemonPolicy const& running, DaemonPolicy const& wanted) {
    std::vector<std::string> keys;
    if (running.listen != wanted.listen) keys.emplace_back("daemon.listen");
    if (running.tls.has_value() != wanted.tls.has_value()) keys.emplace_back("daemon.tls");
    if (running.store != wanted.store) keys.emplace_back("daemon.store");
    if (running.store_password_file != wanted.store_password_file) {
        keys.emplace_back("daemon.store_password_file");
    }
    if (run_dir_of(running) != run_dir_of(wanted)) keys.emplace_back("daemon.run_dir");
    if (keys.empty()) return "";
    std::string out;
    for (auto const& key : keys) out += (out.empty() ? "" : ", ") + key;
    return out + (keys.size() == 1 ? " takes" : " take") +
           " effect at the next start: systemctl restart rollbackd";
}

std::string run_dir_of(DaemonPolicy const& daemon) {
    if (!daemon.run_dir.empty()) return daemon.run_dir;
    // Of this store alone: run ids of two journals are the same.
    auto const name = store_name(daemon.store);
    if (!is_shared_store(daemon.store)) return name.substr(name.find(':') + 1) + ".runs";
    std::string path = "/var/lib/rollbackd/";
    for (char const c : name.substr(name.find("//") + 2)) path += c == '/' ? '-' : c;
    return path + ".runs";
}

StoreOptions store_options_of(DaemonPolicy const& daemon) {
    StoreOptions options;
    options.password_file = daemon.store_password_file;
    std::array<char, 256> host{};
    bool const named = ::gethostname(host.data(), host.size() - 1) == 0;
    options.name = named ? std::string(host.data()) : "a nameless host";
    return options;
}

int check_configuration(std::string const& path) {
    auto const result = load_policy(path, known_types(), options_for(false, true));
    print_problems(result);
    if (!result.ok()) return 1;
    std::printf("%s: %zu services, good\n", path.c_str(), result.policy->services.size());
    return 0;
}

}  // namespace rollbackd
