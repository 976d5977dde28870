#include "cli/importing/known_commands.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace rollbackd::cli {

namespace {

using What = KnownCommand::What;

KnownCommand person(std::string why) {
    KnownCommand out;
    out.why = std::move(why);
    return out;
}

KnownCommand step(std::string yaml) {
    KnownCommand out;
    out.what = What::step;
    out.yaml = std::move(yaml);
    return out;
}

KnownCommand exec(Words const& words, Standing const& standing) {
    auto const cwd = standing.folder.empty() ? "" : ", cwd: " + yaml_text(standing.folder);
    return step("exec: { argv: " + yaml_argv(words) + cwd + " }");
}

KnownCommand argv(What what, Words const& words) {
    KnownCommand out;
    out.what = what;
    out.yaml = yaml_argv(words);
    return out;
}

bool is_verb(std::string const& word) {
    static std::set<std::string> const verbs{"restart", "start", "stop", "reload"};
    return verbs.contains(word);
}

bool is_word(Words const& words, std::size_t at, std::string_view what) {
    return words.size() > at && words[at] == what;
}

KnownCommand systemctl(Words const& words, Standing const&) {
    if (is_word(words, 1, "status") || is_word(words, 1, "is-active")) {
        return argv(What::look, words);
    }
    if (words.size() != 3 || !is_verb(words[1])) return person("not a plain verb of one unit");
    auto unit = words[2];
    if (unit.find('.') == std::string::npos) unit += ".service";
    auto out = step("systemd: { unit: " + yaml_text(unit) + ", do: " + words[1] + " }");
    out.unit = unit;
    return out;
}

KnownCommand service(Words const& words, Standing const& standing) {
    if (words.size() != 3) return person("not a plain verb of one unit");
    return systemctl({"systemctl", words[2], words[1]}, standing);
}

KnownCommand git(Words const& words, Standing const& standing) {
    if (words.size() < 2) return person("git without a verb");
    auto const& verb = words[1];
    if (verb == "status" || verb == "log" || verb == "diff" || verb == "show") {
        if (standing.folder.empty()) return person("in which work tree?");
        Words shown{"git", "-C", standing.folder};
        shown.insert(shown.end(), words.begin() + 1, words.end());
        return argv(What::look, shown);
    }
    bool const back = (verb == "checkout" && words.size() == 3) ||
                      (verb == "reset" && is_word(words, 2, "--hard") && words.size() == 4);
    if (!back) return person("what git does here must be said by a step of its own");
    if (standing.folder.empty())
        return person("in which work tree? the runbook has no cd before it");
    auto out = step(
        "git_checkout: { repo: " + yaml_text(standing.folder) +
        ", to: \"{{ known_good.version }}\" }"
    );
    out.why = "the recorded known-good version, instead of " + words.back();
    out.takes_release_back = true;
    return out;
}

KnownCommand compose(Words const& words, std::size_t first, Standing const& standing) {
    Words const program(words.begin(), words.begin() + std::ptrdiff_t(first));
    std::string verb = words.size() > first ? words[first] : "";
    if (verb == "ps" || verb == "logs") {
        if (std::find(words.begin(), words.end(), "-f") != words.end()) {
            return person("it does not end by itself");
        }
        return argv(What::look, words);
    }
    static std::set<std::string> const plain{"up", "start", "stop", "restart", "build", "pull"};
    if (!plain.contains(verb)) return person("it may destroy what the next step needs");
    if (standing.folder.empty()) return person("in which folder? the runbook has no cd before it");
    std::string services;
    std::string more;
    for (auto i = first + 1; i < words.size(); ++i) {
        auto const& word = words[i];
        if (word == "-d" && verb == "up") continue;
        if (word == "--force-recreate" && verb == "up") {
            more += ", recreate: true";
        } else if (word == "--build" && verb == "up") {
            more += ", build: true";
        } else if (word == "--no-cache" && verb == "build") {
            more += ", no_cache: true";
        } else if (word.starts_with('-')) {
            return person("its options are not known here");
        } else {
            services += (services.empty() ? "" : ", ") + yaml_text(word);
        }
    }
    if (!services.empty()) more = ", services: [" + services + "]" + more;
    return step(
        "compose: { do: " + verb + ", cwd: " + yaml_text(standing.folder) + more +
        ", command: " + yaml_argv(program) + " }"
    );
}

KnownCommand docker(Words const& words, Standing const& standing) {
    if (is_word(words, 1, "compose")) return compose(words, 2, standing);
    if (is_word(words, 1, "ps") || is_word(words, 1, "logs") || is_word(words, 1, "images")) {
        return argv(What::look, words);
    }
    return person("it is no command of Compose");
}

KnownCommand docker_compose(Words const& words, Standing const& standing) {
    return compose(words, 1, standing);
}

KnownCommand pm2(Words const& words, Standing const&) {
    static std::set<std::string> const shows{"list", "ls", "status", "describe", "show"};
    if (words.size() >= 2 && shows.contains(words[1])) return argv(What::look, words);
    bool const plain = words.size() == 3 && is_verb(words[1]) && !words[2].starts_with('-');
    if (!plain || words[2] == "all") return person("not a plain verb of one app");
    return step("pm2: { app: " + yaml_text(words[2]) + ", do: " + words[1] + " }");
}

KnownCommand curl(Words const& words, Standing const&) {
    static std::set<std::string> const flags{"-f",  "-s", "-S",     "-i",      "-I",
                                             "-v",  "-k", "-fsS",   "-sS",     "-fs",
                                             "-sf", "-L", "--fail", "--silent"};
    std::string url;
    for (auto i = std::size_t(1); i < words.size(); ++i) {
        if (flags.contains(words[i])) continue;
        bool const more = words[i].starts_with('-') || !url.empty();
        if (more) return person("it does more than ask one URL");
        url = words[i];
    }
    bool const http = url.starts_with("http://") || url.starts_with("https://");
    if (!http) return person("not an http URL");
    auto out =
        argv(What::check, {"curl", "--fail", "--silent", "--show-error", "--max-time", "10", url});
    out.url = url;
    return out;
}

KnownCommand nginx(Words const& words, Standing const& standing) {
    if (words == Words{"nginx", "-t"}) return argv(What::check, words);
    if (words == Words{"nginx", "-s", "reload"}) return exec(words, standing);
    return person("not known of nginx");
}

KnownCommand psql(Words const& words, Standing const&) {
    for (std::size_t i = 1; i + 1 < words.size(); ++i) {
        if (words[i] != "-c" && words[i] != "--command") continue;
        auto text = words[i + 1];
        std::transform(text.begin(), text.end(), text.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? char(c + 32) : c;
        });
        bool const reads = text.starts_with("select ") && text.find(';') >= text.size() - 1 &&
                           text.find(" into ") == std::string::npos;
        if (reads) return argv(What::look, words);
    }
    return person("it may change or lose data: pg_backup, then sql or pg_restore, with approval");
}

KnownCommand restoring(Words const&, Standing const&) {
    return person("it may lose data: pg_backup of the present state, then pg_restore, with approval"
    );
}

KnownCommand dumping(Words const&, Standing const&) {
    return person("pg_backup does this, and looks whether the dump can be read");
}

KnownCommand looking(Words const& words, Standing const&) {
    if (std::find(words.begin(), words.end(), "-f") != words.end()) {
        return person("it does not end by itself");
    }
    return argv(What::look, words);
}

KnownCommand waiting(Words const&, Standing const&) {
    KnownCommand out;
    out.what = What::wait;
    out.why = "what is waited for is verified instead";
    return out;
}

KnownCommand building(Words const& words, Standing const& standing) {
    if (standing.folder.empty()) return person("in which folder? the runbook has no cd before it");
    return exec(words, standing);
}

using Knower = KnownCommand (*)(Words const&, Standing const&);

constexpr std::array<std::pair<std::string_view, Knower>, 28> knowers{{
    {"systemctl", systemctl},
    {"service", service},
    {"git", git},
    {"docker", docker},
    {"docker-compose", docker_compose},
    {"pm2", pm2},
    {"curl", curl},
    {"nginx", nginx},
    {"psql", psql},
    {"pg_restore", restoring},
    {"dropdb", restoring},
    {"createdb", restoring},
    {"pg_dump", dumping},
    {"pg_dumpall", dumping},
    {"journalctl", looking},
    {"tail", looking},
    {"cat", looking},
    {"df", looking},
    {"free", looking},
    {"ls", looking},
    {"ps", looking},
    {"uptime", looking},
    {"date", looking},
    {"ss", looking},
    {"sleep", waiting},
    {"npm", building},
    {"yarn", building},
    {"make", building},
}};

}  // namespace

KnownCommand know(Words words, Standing& standing) {
    bool const as_root = is_word(words, 0, "sudo") && words.size() > 1;
    if (as_root) words.erase(words.begin());
    if (words.empty() || words[0].starts_with('-')) return person("not a plain command");
    if (words[0] == "cd") {
        if (words.size() != 2 || !words[1].starts_with('/')) {
            standing.folder.clear();
            return person("the folder must be absolute");
        }
        standing.folder = words[1];
        KnownCommand out;
        out.what = What::folder;
        return out;
    }
    for (auto const& [name, knower] : knowers) {
        if (words[0] != name) continue;
        auto out = knower(words, standing);
        if (as_root)
            out.why += (out.why.empty() ? "" : "; ") + std::string("needs root: see sudoers");
        return out;
    }
    return person("no step is known for '" + words[0] + "'");
}

std::string yaml_text(std::string_view text) {
    std::string out = "\"";
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        // A template or a secret of the policy is nothing a runbook may name.
        bool const opens = (c == '{' || c == '$') && text.substr(i + 1).starts_with('{');
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
        if (opens) out.push_back(' ');
    }
    return out + "\"";
}

std::string yaml_argv(Words const& words) {
    std::string out;
    for (auto const& word : words) out += (out.empty() ? "" : ", ") + yaml_text(word);
    return "[" + out + "]";
}

}  // namespace rollbackd::cli
