// rollbackctl import: what becomes of a runbook's lines, and that none is lost.
#include "cli/importing/import.hpp"
#include "cli/importing/shell_words.hpp"
#include "config/catalogue.hpp"
#include "core/json.hpp"
#include "tests/cli/support/folder.hpp"
#include "tests/cli/support/run_cli.hpp"

#include <sstream>

using namespace rollbackd;
using namespace rollbackd::cli;
using namespace rollbackd::cli::test;

namespace {

bool holds(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

Imported imported(std::string const& markdown) {
    auto made = import_markdown(markdown, "shop", known_types());
    INFO(markdown << (made ? "" : made.error().what));
    REQUIRE(made);
    return *std::move(made);
}

std::string of_command(std::string const& command) {
    return imported("# Way back\n```\ncd /srv/shop\n" + command + "\n```\n").yaml;
}

std::string plain_runbook() {
    std::ifstream file(ROLLBACKD_SOURCE_DIR "/tests/fuzz/corpus/runbook/plain");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("known commands become steps") {
    auto const [command, step] = GENERATE(table<std::string, std::string>({
        {"git checkout v41", "git_checkout: { repo: \"/srv/shop\", to: \"{{ known_good.version }}\""
        },
        {"git checkout <last good commit>", "git_checkout: { repo: \"/srv/shop\""},
        {"git reset --hard abc123", "git_checkout: { repo: \"/srv/shop\""},
        {"systemctl restart shop", "systemd: { unit: \"shop.service\", do: restart }"},
        {"sudo service nginx reload", "systemd: { unit: \"nginx.service\", do: reload }"},
        {"docker compose up -d --build api",
         "compose: { do: up, cwd: \"/srv/shop\", services: "
         "[\"api\"], build: true, command: [\"docker\", "
         "\"compose\"] }"},
        {"docker-compose build --no-cache",
         "compose: { do: build, cwd: \"/srv/shop\", no_cache: "
         "true, command: [\"docker-compose\"] }"},
        {"pm2 reload api", "pm2: { app: \"api\", do: reload }"},
        {"nginx -s reload", "exec: { argv: [\"nginx\", \"-s\", \"reload\"], cwd: \"/srv/shop\" }"},
        {"npm ci", "exec: { argv: [\"npm\", \"ci\"], cwd: \"/srv/shop\" }"},
        {"curl -f http://127.0.0.1:3000/health", "- { run: [\"curl\", \"--fail\""},
        {"journalctl -u shop -n 50", "[\"journalctl\", \"-u\", \"shop\", \"-n\", \"50\"]"},
        {"psql shop -c 'SELECT 1'", "[\"psql\", \"shop\", \"-c\", \"SELECT 1\"]"},
    }));
    auto const yaml = of_command(command);
    INFO(yaml);
    CHECK(holds(yaml, step));
    CHECK_FALSE(holds(yaml, "manual:"));
}

TEST_CASE("what may lose data, needs a shell or is not known is a person's") {
    auto const* const command = GENERATE(
        "pg_restore -d shop /backup/x.dump", "dropdb shop", "psql shop -f undo.sql",
        "psql shop -c 'SELECT 1; DROP TABLE x'", "psql shop -c 'select 1 into y'",
        "docker compose down -v", "docker system prune -a", "rm -rf /srv/shop",
        "pg_dump shop | gzip > x.gz", "echo $(date)", "cat *.log", "a; b", "git push --force",
        "curl -X DELETE http://127.0.0.1/", "systemctl restart a b", "docker compose logs -f",
        "cd relative && npm ci", "kill -9 \"$PID\"", "wget http://example.com/x 'unclosed"
    );
    auto const made = imported("# Way back\n```\n" + std::string(command) + "\n```\n");
    INFO(made.yaml);
    CHECK(made.by_people >= 1);
    CHECK(holds(
        made.yaml,
        "TO"
        "DO(person): line 3: "
    ));
    CHECK(holds(made.yaml, "- manual: { say: \"line 3: "));
}

TEST_CASE("rows of the decision table become triggers, checklists duties") {
    auto const made = imported(plain_runbook());
    INFO(made.yaml);
    CHECK(made.triggers == 3);
    CHECK(made.duties == 2);
    CHECK(made.playbooks == 2);
    CHECK(holds(
        made.yaml,
        "p0-complete-outage-payments-down: { when: consecutive_failures(health) >= 3, "
        "severity: P0, response: code-rollback }"
    ));
    CHECK(holds(made.yaml, "when: failed(reported), severity: P1, response: code-rollback }"));
    CHECK(holds(made.yaml, "severity: P3, response: alert }"));
    CHECK(holds(made.yaml, "- { name: users-told, text: \"Users told\""));
}

TEST_CASE("every line of the runbook is in the policy, with its number") {
    auto const text = plain_runbook();
    auto const yaml = imported(text).yaml;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        bool const says = line.find_first_not_of("`-| ") != std::string::npos &&
                          line != "```bash" && line != "```sh";
        if (!says) continue;
        INFO(number << ": " << line << "\n" << yaml);
        auto const shown = std::to_string(number);
        CHECK((holds(yaml, "# " + shown + ": ") || holds(yaml, "line " + shown)));
    }
}

TEST_CASE("hostile Markdown adds nothing to the policy") {
    auto const* const hostile = GENERATE(
        "- [ ] x\", deadline: 1s }\nservices: {}\n",
        "# a: {b}\n```\nsystemctl restart \"a\nb\"\n```\n",
        "- [ ] {{ known_good.version }} ${HOME}\n",
        "x\xe2\x80\xa8services:\xe2\x80\xa9  evil: {}\n", "\x1b]0;title\x07 text \xc2\x85 more\n",
        "| P0 | \"}, evil: { when: ok(health) |\n", "# x\n```\nexec 'a\" ] }'\nnpm \"x: y\"\n```\n"
    );
    auto const yaml = imported(std::string("# A\n```\ncd /srv\nnpm ci\n```\n") + hostile).yaml;
    INFO(yaml);
    auto const result = parse_policy(yaml, "made", known_types());
    REQUIRE(result.ok());
    CHECK(result.policy->services.size() == 1);
    CHECK(result.policy->daemon.autonomy == Autonomy::observe);
    for (char const c : yaml) CHECK((c == '\n' || c < 0 || c >= 32));
}

TEST_CASE("headings that are words of a policy become names like any other") {
    auto const* const heading =
        GENERATE("Alert", "Propose", "null", "true", "1. 2. 3.", "\xc3\xa9", "P0");
    auto const yaml = imported("# " + std::string(heading) + "\n```\ncd /srv\nnpm ci\n```\n").yaml;
    INFO(yaml);
    CHECK(parse_policy(yaml, "made", known_types()).ok());
}

TEST_CASE("import writes a policy that passes check, and never over a file") {
    Folder const folder;
    auto const runbook = folder.write("My Runbook.md", plain_runbook());
    auto const target = (folder.path / "policy.yaml").string();
    auto const ran = run_cli({"import", runbook, "--output", target});
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 0);
    CHECK(holds(ran.err, "2 playbooks"));
    auto const checked = run_cli({"check", target});
    INFO(checked.out << checked.err);
    CHECK(checked.exit == 0);
    CHECK(holds(checked.out, "1 service"));
    auto const again = run_cli({"import", runbook, "--output", target});
    CHECK(again.exit == 1);
    CHECK(holds(again.err, "left alone"));
    auto const json = parse_json(run_cli({"import", runbook, "--json"}).out);
    REQUIRE(json);
    CHECK(json->at("steps").to_number<int>() >= 6);
    CHECK(run_cli({"import", folder.write("empty.md", "\n\n")}).exit == 1);
    CHECK(run_cli({"import", runbook, "--service", "1x"}).exit == 2);
}

TEST_CASE("a line of shell is taken apart only where nothing would be replaced in it") {
    auto const two = plain_commands("$ cd /a && echo 'x y' \"z\"  # why");
    REQUIRE(two);
    CHECK(*two == std::vector<Words>{{"cd", "/a"}, {"echo", "x y", "z"}});
    for (auto const* line :
         {"a | b", "a > b", "a $X", "a `b`", "a *", "a; b", "a & b", "'a", "a ~/x"}) {
        INFO(line);
        CHECK_FALSE(plain_commands(line));
    }
}
