// init: looks around, writes a first policy that passes check, and says what to do next.
#include "cli/files.hpp"
#include "cli/first_policy.hpp"
#include "cli/handlers.hpp"
#include "cli/text.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <ostream>

namespace rollbackd::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t unit_files_max = 500;
constexpr std::uintmax_t unit_file_bytes_max = 64 * 1024;
constexpr char const* nginx_log = "/var/log/nginx/access.log";

/// A path that can stand in a policy as it is.
bool is_plain(std::string const& path) {
    return clean(path) == path && path.find("{{") == std::string::npos &&
           path.find("${") == std::string::npos;
}

std::string work_tree_of(fs::path directory) {
    std::error_code ignored;
    while (true) {
        if (fs::exists(directory / ".git", ignored)) return directory.string();
        if (directory == directory.parent_path()) return {};
        directory = directory.parent_path();
    }
}

bool unit_runs_from(fs::path const& unit, std::string const& directory) {
    std::error_code problem;
    if (fs::file_size(unit, problem) > unit_file_bytes_max || problem) return false;
    std::ifstream file(unit);
    for (std::string line; std::getline(file, line);) {
        bool const says = line.starts_with("WorkingDirectory=") || line.starts_with("ExecStart=");
        auto const at = line.find(directory);
        if (!says || at == std::string::npos) continue;
        auto const after = at + directory.size();
        if (after == line.size() || line[after] == '/' || line[after] == ' ') return true;
    }
    return false;
}

/// The first unit of the administrator's, by name, that runs from `directory`.
std::string unit_of(std::string const& directory) {
    if (directory.empty() || directory == "/") return {};
    std::error_code problem;
    std::vector<fs::path> units;
    for (auto const& entry : fs::directory_iterator("/etc/systemd/system", problem)) {
        if (entry.path().extension() == ".service") units.push_back(entry.path());
        if (units.size() == unit_files_max) break;
    }
    std::sort(units.begin(), units.end());
    for (auto const& unit : units) {
        if (unit_runs_from(unit, directory)) return unit.filename().string();
    }
    return {};
}

/// The folder itself, where a compose file lies in it.
std::string compose_in(fs::path const& folder) {
    std::error_code ignored;
    for (auto const* name :
         {"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}) {
        if (fs::exists(folder / name, ignored)) return folder.string();
    }
    return {};
}

/// The name of the first app of PM2's ecosystem file.
std::string pm2_app_in(fs::path const& folder) {
    std::error_code problem;
    for (auto const* name : {"ecosystem.config.js", "ecosystem.config.cjs", "ecosystem.json"}) {
        auto const path = folder / name;
        if (fs::file_size(path, problem) > unit_file_bytes_max || problem) continue;
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);) {
            auto const at = line.find("name");
            auto const colon = line.find(':', at == line.npos ? 0 : at);
            auto const from = line.find_first_of("\"'", colon == line.npos ? line.size() : colon);
            if (at == line.npos || colon == line.npos || from == line.npos) continue;
            auto const to = line.find(line[from], from + 1);
            if (to != line.npos) return line.substr(from + 1, to - from - 1);
        }
    }
    return {};
}

std::string postgres_unit() {
    std::error_code ignored;
    for (auto const* folder : {"/etc/systemd/system", "/lib/systemd/system"}) {
        if (fs::exists(fs::path(folder) / "postgresql.service", ignored)) {
            return "postgresql.service";
        }
    }
    return {};
}

Findings look_around(Arguments const& given) {
    std::error_code ignored;
    auto const here = fs::current_path(ignored);
    Findings found;
    found.repo = work_tree_of(here);
    if (!is_plain(found.repo)) found.repo.clear();
    auto const root = found.repo.empty() ? here : fs::path(found.repo);
    found.service = given.maybe("--service").value_or(service_name_from(root.filename().string()));
    found.unit = unit_of(root.string());
    if (!is_plain(found.unit)) found.unit.clear();
    found.compose = compose_in(root);
    if (!is_plain(found.compose)) found.compose.clear();
    found.pm2_app = pm2_app_in(root);
    if (!is_plain(found.pm2_app) || found.pm2_app.starts_with('-')) found.pm2_app.clear();
    found.postgres = found.service == "database" ? "" : postgres_unit();
    if (fs::exists(nginx_log, ignored)) found.access_log = nginx_log;
    return found;
}

}  // namespace

Outcome<Exit> init(Context& context, Arguments const& given) {
    auto const path = given.maybe("FILE").value_or("rollbackd.yaml");
    if (auto const name = given.maybe("--service"); name && !is_valid_name(*name)) {
        return misuse(
            "--service '" + clean(*name) + "': a letter, then letters, digits, '_' or '-'"
        );
    }
    auto const found = look_around(given);
    auto const written = write_new(path, first_policy(found));
    if (!written) return written;
    auto& out = context.terminal.out;
    if (context.json) {
        out << to_text(JsonObject{
                   {"file", path},
                   {"service", found.service},
                   {"repo", found.repo},
                   {"unit", found.unit},
                   {"access_log", found.access_log},
                   {"compose", found.compose},
                   {"pm2_app", found.pm2_app},
                   {"postgres", found.postgres},
                   {"root_rules", root_rules(found)}
               })
            << '\n';
        return Exit::done;
    }
    auto const said = [](std::string const& what, char const* nothing) {
        return what.empty() ? std::string(nothing) : clean(what);
    };
    auto const file = shell_word(clean(path));
    out << "wrote " << clean(path) << " for the service " << found.service << ", in observe mode\n"
        << "  git work tree: " << said(found.repo, "none found: triggers only alert") << '\n'
        << "  systemd unit:  " << said(found.unit, "none found") << '\n'
        << "  compose file:  " << said(found.compose, "none found") << '\n'
        << "  PM2 app:       " << said(found.pm2_app, "none found") << '\n'
        << "  nginx log:     " << said(found.access_log, "none found") << '\n'
        << "  PostgreSQL:    " << said(found.postgres, "none found") << '\n'
        << "next: look at the lines marked CHANGE, then: rollbackctl check " << file << '\n';
    auto const rules = root_rules(found);
    if (rules.empty()) return Exit::done;
    out << "rollbackd runs as its own user. What it needs more, for an administrator to decide:\n\n"
        << clean_block(rules);
    return Exit::done;
}

}  // namespace rollbackd::cli
