// What needs no daemon: check, runbook, init, token new, journal verify.
#include "cli/first_policy.hpp"
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "core/record.hpp"
#include "daemon/store/journal.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/folder.hpp"
#include "tests/cli/support/run_cli.hpp"

using namespace rollbackd;
using namespace rollbackd::cli::test;
namespace fs = std::filesystem;

namespace {

std::string const good =
    cli::first_policy({"shop", "/srv/shop", "shop.service", "/var/log/nginx/access.log", "", "", ""}
    );

std::string replaced(std::string text, std::string const& what, std::string const& by) {
    auto const at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("whatever init finds, the policy it writes has no error and only observes") {
    auto const found = GENERATE(
        cli::Findings{}, cli::Findings{"shop", "/srv/shop", "", "", "", "", ""},
        cli::Findings{"shop", "", "shop.service", "/var/log/nginx/access.log", "", "", ""},
        cli::Findings{
            "a-b_c", "/srv/it's \"here\"", "a@1.service", "/var/log/nginx/access.log", "", "", ""
        },
        cli::Findings{"shop", "/srv/shop", "", "", "/srv/shop", "", "postgresql.service"},
        cli::Findings{"shop", "/srv/shop", "", "/var/log/nginx/access.log", "", "the \"app\"", ""},
        cli::Findings{
            "shop", "/srv/shop", "shop.service", "", "/srv/shop", "app", "postgresql.service"
        }
    );
    auto const result = parse_policy(cli::first_policy(found), "first.yaml", known_types());
    std::string problems;
    for (auto const& problem : result.problems) problems += to_string(problem) + "\n";
    INFO(cli::first_policy(found) << problems);
    REQUIRE(result.ok());
    CHECK(problems.empty());
    CHECK(result.policy->daemon.autonomy == Autonomy::observe);
    CHECK(result.policy->services.back().name == found.service);
}

TEST_CASE("a service's name is made of a directory's") {
    CHECK(cli::service_name_from("shop") == "shop");
    CHECK(cli::service_name_from("1. my shop!") == "myshop");
    CHECK(cli::service_name_from("...") == "app");
    CHECK(cli::service_name_from(std::string(200, 'x')).size() == 64);
}

TEST_CASE("check exits 0 for a good policy") {
    Folder const folder;
    auto const ran = run_cli({"check", folder.write("a.yaml", good)});
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 0);
    CHECK(ran.err.empty());
    CHECK(ran.out.find("fine") != std::string::npos);
}

TEST_CASE("check prints every mistake with its place and exits 1") {
    Folder const folder;
    auto bad = replaced(good, "watch_window:", "watch_windw:");
    bad = replaced(bad, "consecutive_failures(health)", "consecutive_failures(helth)");
    auto const file = folder.write("a.yaml", bad);
    auto const ran = run_cli({"check", file});
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 1);
    CHECK(ran.out.find(file + ":") == 0);
    CHECK(ran.out.find("watch_window") != std::string::npos);
    CHECK(ran.out.find("health") != std::string::npos);
    CHECK(ran.err.find("2 errors") != std::string::npos);
    auto const json = run_cli({"check", file, "--json"});
    CHECK(json.exit == 1);
    auto const parsed = parse_json(json.out);
    REQUIRE(parsed);
    CHECK_FALSE(parsed->at("ok").as_bool());
    CHECK(parsed->at("problems").as_array().size() == 2);
}

TEST_CASE("a policy that is not there is one mistake: exit 1") {
    for (auto const* command : {"check", "runbook"}) {
        auto const ran = run_cli({command, "/nonexistent/policy.yaml"});
        CHECK(ran.exit == 1);
        CHECK((ran.out + ran.err).find("/nonexistent/policy.yaml") != std::string::npos);
    }
}

TEST_CASE("the runbook names every step, limit and check of a playbook") {
    Folder const folder;
    auto const ran = run_cli({"runbook", folder.write("a.yaml", good)});
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 0);
    for (auto const* part :
         {"# Runbook", "## shop", "### Playbook code-rollback", "Undoes: release", "git\\_checkout",
          "{{ known_good.version }}", "shop.service", "`ok(health)` within 1m",
          "| down: `consecutive_failures(health) >= 3`"}) {
        INFO(part);
        CHECK(ran.out.find(part) != std::string::npos);
    }
}

TEST_CASE("init proposes rules for what needs root, and only for that") {
    CHECK(cli::root_rules({}).empty());
    auto const rules = cli::root_rules({"shop", "/srv/shop", "shop.service", "", "", "", ""});
    CHECK(rules.find("action.lookup(\"unit\") === \"shop.service\"") != std::string::npos);
    CHECK(rules.find("docker") == std::string::npos);
    auto const compose = cli::root_rules({"shop", "/srv/shop", "", "", "/srv/shop", "", ""});
    CHECK(compose.find("usermod -aG docker rollbackd") != std::string::npos);
    auto const pm2 = cli::root_rules({"shop", "/srv/shop", "", "", "", "app", ""});
    CHECK(pm2.find("NOPASSWD") != std::string::npos);
}

TEST_CASE("init writes once and never over a file") {
    Folder const folder;
    auto const file = (folder.path / "rollbackd.yaml").string();
    auto const first = run_cli({"init", file, "--service", "shop"});
    INFO(first.err);
    CHECK(first.exit == 0);
    CHECK(first.out.find("rollbackctl check") != std::string::npos);
    auto const size = fs::file_size(file);
    auto const second = run_cli({"init", file});
    CHECK(second.exit == 1);
    CHECK(second.err.find("left alone") != std::string::npos);
    CHECK(fs::file_size(file) == size);
    CHECK(run_cli({"check", file}).exit == 0);
    CHECK(run_cli({"init", (folder.path / "no" / "a.yaml").string()}).exit == 1);
}

TEST_CASE("token new shows a fresh token of 256 bits and the hash the policy needs") {
    auto const ran = run_cli({"token", "new", "--name", "ci", "--role", "operate", "--json"});
    REQUIRE(ran.exit == 0);
    auto const json = parse_json(ran.out);
    REQUIRE(json);
    auto const token = text_of(*json, "token");
    CHECK(token.size() == 4 + 64);
    CHECK(text_of(*json, "sha256") == sha256_hex(token));
    CHECK(run_cli({"token", "new", "--json"}).out != run_cli({"token", "new", "--json"}).out);
    auto const text = run_cli({"token", "new"}).out;
    CHECK(text.find("- { name: ci, role: ingest, sha256: ") != std::string::npos);
}

TEST_CASE("a token is read from its file, without the line end") {
    Folder const folder;
    auto const missing = run_cli({"services", "--token-file", (folder.path / "none").string()});
    CHECK(missing.exit == 1);
    CHECK(missing.err.find("no token can be read") != std::string::npos);
    auto const odd = folder.write("odd", "two words\n");
    CHECK(run_cli({"services", "--token-file", odd}).exit == 1);
    // Right files get as far as the daemon, which is not there.
    auto const fine = folder.write("fine", "rbd_1\n");
    CHECK(
        run_cli({"services", "--token-file", fine, "--url", "unix:/nonexistent/api.sock"}).exit == 3
    );
}

TEST_CASE("journal verify follows the chain and names the first record that is wrong") {
    Folder const folder;
    auto const store = "sqlite:" + (folder.path / "journal.db").string();
    {
        auto journal = open_journal(store, OpenMode::read_write);
        REQUIRE(journal);
        std::vector<RecordDraft> const drafts{{"a.b", JsonObject{{"x", 1}}}, {"a.c", JsonObject{}}};
        REQUIRE((*journal)->append(drafts, Now{}, "boot"));
    }
    auto const ran = run_cli({"journal", "verify", "--store", store});
    INFO(ran.err);
    CHECK(ran.exit == 0);
    CHECK(ran.out.starts_with("2 records intact"));
    auto const missing = run_cli({"journal", "verify", "--store", store + ".none"});
    CHECK(missing.exit == 1);
    CHECK(missing.err.starts_with("rollbackctl: "));
}
