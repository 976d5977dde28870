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
        "p0-complete-outage-payments-down: { when: \"consecutive_failures(health) >= 3\", "
        "severity: P0, response: code-rollback }"
    ));
    CHECK(holds(made.yaml, "when: failed(reported), severity: P1, response: code-rollback }"));
    CHECK(holds(made.yaml, "severity: P3, response: alert }"));
    CHECK(holds(made.yaml, "- { name: users-told, text: \"Users told\""));
}

TEST_CASE("a symptom of a decision table becomes a condition over a signal that is proposed") {
    auto const [cell, when, signal] = GENERATE(table<std::string, std::string, std::string>({
        {"3 failed health checks", "consecutive_failures(health) >= 3", "health: { http:"},
        {"Health check fails 5 times in a row", "consecutive_failures(health) >= 5", "health: {"},
        {"5xx > 1 %", "failure_ratio(requests, 5m) > 1%", "requests: { access_log:"},
        {"500 errors \xe2\x89\xa5 2% over 10 min", "failure_ratio(requests, 10m) >= 2%",
         "requests: {"},
        {"error rate above 0.5 percent for 15 minutes", "failure_ratio(requests, 15m) > 0.5%",
         "requests: {"},
        {"disk > 80 %", "value(disk) > 80%", "disk: { disk: { path: / }"},
        {"inodes over 90%", "value(inodes) > 90%", "inodes: { disk: { path: /, measure: inodes_used"
        },
        {"100 % CPU for 5 min", "min(cpu, 5m) > 100%", "cpu: { load: { measure: cpu }"},
        {"memory at least 95% for 10m", "min(memory, 10m) >= 95%", "memory: { memory:"},
        {"> 3 consecutive payment webhook failures", "consecutive_failures(webhooks) > 3",
         "webhooks: { access_log:"},
        {"five payments fail: more than 5 consecutive", "consecutive_failures(payments) > 5",
         "payments: { push: { kind: outcomes } }"},
        {"certificate expires in 7 days", "days_left(cert) < 7", "cert: { tls: { address:"},
        {"TLS expiry within 2 weeks", "days_left(cert) < 14", "cert: { tls: { address:"},
        {"certificate expired", "days_left(cert) <= 0", "cert: { tls:"},
        {"responses > 1 s", "p95(latency, 5m) > 1", "latency: { http:"},
        {"p99 latency over 750 ms for 10 min", "p99(latency, 10m) > 0.75", "latency: { http:"},
        {"server unreachable", "consecutive_failures(health) >= 3", "health: { http:"},
    }));
    auto const made =
        imported("# Plan\n\n| trigger | action |\n|---|---|\n| " + cell + " | call |\n");
    INFO(made.yaml);
    CHECK(holds(made.yaml, "{ when: \"" + when + "\""));
    CHECK(holds(made.yaml, "      " + signal));
    CHECK(holds(made.yaml, "      # 5: | " + cell + " | call |\n"));
    if (!signal.starts_with("health")) CHECK(holds(made.yaml, "   # line 5\n"));
    CHECK(made.triggers == 1);
    CHECK(parse_policy(made.yaml, "made", known_types()).ok());
}

TEST_CASE(
    "what no machine is known to see is raised by a person, and no row without a level is guessed"
) {
    auto const yaml =
        imported("| P1 | customers complain |\n| row | 17 apples |\n| payments | slow |\n").yaml;
    INFO(yaml);
    CHECK(holds(yaml, "{ when: failed(reported), severity: P1"));
    CHECK_FALSE(holds(yaml, "apples |\n      "));
}

TEST_CASE("a row's severity and response are what the table says, else what the symptom suggests") {
    auto const yaml = imported(
                          "# Code back\n```\ncd /srv/shop\ngit checkout v1\n```\n"
                          "# Database back\n```\npg_restore -d shop /backup/x.dump\n```\n"
                          "| what | do |\n|---|---|\n"
                          "| 5xx > 1 % | rollback at once |\n"
                          "| 4 failed health checks | revert |\n"
                          "| disk > 80 % | free space |\n"
                          "| disk > 95 % | high |\n"
                          "| data is wrong | critical | restore the backup |\n"
    )
                          .yaml;
    INFO(yaml);
    CHECK(holds(yaml, "min_count: 100, severity: P0, response: code-back }"));
    CHECK(holds(yaml, "consecutive_failures(health) >= 4\", severity: P1, response: code-back }"));
    CHECK(holds(yaml, "value(disk) > 80%\", severity: P2, response: alert }"));
    CHECK(holds(yaml, "value(disk) > 95%\", severity: P1, response: alert }"));
    CHECK(holds(yaml, "when: failed(reported), severity: P0, response: database-back }"));
}

TEST_CASE("what a checklist says of time becomes the duty's deadline") {
    auto const [line, deadline] = GENERATE(table<std::string, std::string>({
        {"Tell the authority within 72 h of becoming aware", "72h, from: detection"},
        {"Authority told within 72 hours", "72h, from: detection"},
        {"Post-mortem within 24-48 h after recovery", "48h, from: recovery"},
        {"Tell users in the first 30 minutes", "30m, from: detection"},
        {"Analysis (1-7 days)", "7d, from: detection"},
        {"Status page updated (< 1 h)", "1h, from: detection"},
        {"Audit within 2 weeks", "2w, from: detection"},
        {"Lessons written down", "24h, from: recovery"},
        {"Within 900 weeks", "24h, from: recovery"},
        {"3 days of logs kept", "24h, from: recovery"},
    }));
    auto const yaml = imported("# Way back\n```\ncd /srv\nnpm ci\n```\n- [ ] " + line + "\n").yaml;
    INFO(yaml);
    CHECK(holds(yaml, "text: \"" + line + "\", deadline: " + deadline + " }   # line 6"));
}

TEST_CASE("a deadline above a list is that of its lines, and such a list is owed after any incident"
) {
    auto const made = imported(
        "# After (within 24 h)\n- [ ] Cause found\n- [ ] Users told within 1 h\n"
        "Within 7 days:\n- [ ] Analysis\n# Before a deployment\n- [ ] Tests pass\n"
    );
    INFO(made.yaml);
    CHECK(made.duties == 3);
    CHECK(holds(
        made.yaml, "    duties:\n      - { name: cause-found, text: \"Cause found\", deadline: 24h"
    ));
    CHECK(holds(made.yaml, "text: \"Users told within 1 h\", deadline: 1h"));
    CHECK(holds(made.yaml, "text: \"Analysis\", deadline: 7d"));
    CHECK(holds(
        made.yaml,
        "TO"
        "DO(person): line 7: Tests pass"
    ));
}

TEST_CASE("a playbook that restores data undoes data, may lose some, and asks") {
    auto const [command, undoes, loss] = GENERATE(table<std::string, std::string, bool>({
        {"pg_restore -d shop /backup/shop.dump", "data", true},
        {"gunzip -c /backup/shop.sql.gz | psql shop", "data", true},
        {"psql shop < /backup/shop.sql", "data", true},
        {"mysql shop < /backup/dump.sql", "data", true},
        {"dropdb shop", "data", true},
        {"pg_dump shop | gzip > /backup/shop.sql.gz", "nothing", false},
        {"docker compose down -v", "nothing", true},
        {"psql shop -f undo.sql", "nothing", true},
        {"rm -rf /srv/shop", "nothing", true},
        {"redis-cli FLUSHALL", "nothing", true},
        {"git checkout v1", "release", false},
    }));
    auto const yaml = imported("# Way back\n```\ncd /srv/shop\n" + command + "\n```\n").yaml;
    INFO(yaml);
    CHECK(holds(yaml, "        undoes: " + undoes + "\n"));
    CHECK(holds(yaml, "        approval: true"));
    CHECK(holds(yaml, "data_loss: possible   # line 4: " + command) == loss);
    auto const result = parse_policy(yaml, "made", known_types());
    REQUIRE(result.ok());
    for (auto const& problem : result.problems) {
        CHECK(problem.what.find("loses what was written since") == std::string::npos);
    }
}

TEST_CASE("a heading alone says that data is restored") {
    auto const yaml = imported("# Restore an older dump\n```\ncd /srv\nmake restore\n```\n").yaml;
    INFO(yaml);
    CHECK(holds(yaml, "undoes: data"));
    CHECK(holds(yaml, "data_loss: possible   # line 1: Restore an older dump"));
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
