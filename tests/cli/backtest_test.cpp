// rollbackctl backtest: recorded history through the real parsers and the real engine.
#include "core/json.hpp"
#include "core/time.hpp"
#include "daemon/store/journal.hpp"
#include "tests/cli/support/folder.hpp"
#include "tests/cli/support/run_cli.hpp"

#include <iomanip>
#include <sstream>

using namespace rollbackd;
using namespace rollbackd::cli::test;
using namespace std::chrono_literals;

namespace {

constexpr char const* policy_text = R"(version: 1
daemon: { autonomy: observe }
notify: { log: { exec: { argv: [/usr/bin/logger] } } }
services:
  shop:
    signals:
      requests: { access_log: { path: /var/log/nginx/access.log } }
      errors: { log: { path: /var/log/shop.log, fail: [error] } }
      health: { http: { url: "http://127.0.0.1:3000/health" } }
    triggers:
      bad: { when: "failure_ratio(requests, 1m) > 10%", severity: P0, response: code-rollback }
      noisy: { when: "count(errors, 1m) >= 3", severity: P2, response: alert }
      down: { when: consecutive_failures(health) >= 3, severity: P0, response: code-rollback }
    playbooks:
      code-rollback:
        undoes: release
        steps:
          - capture_evidence: { commands: [[date]] }
          - git_checkout: { repo: /srv/shop, to: "{{ known_good.version }}" }
        verify: [{ until: ok(health), within: 60s }]
)";

/// A line a second from 12:00:00; from `bad` on every second one fails, for `seconds`.
std::string access_log(int length, int bad, int seconds) {
    std::ostringstream out;
    for (int i = 0; i < length; ++i) {
        bool const fails = i >= bad && i < bad + seconds && i % 2 == 0;
        out << "192.0.2.1 - - [31/Jan/2026:12:" << std::setfill('0') << std::setw(2) << i / 60
            << ':' << std::setw(2) << i % 60 << " +0000] \"GET / HTTP/1.1\" " << (fails ? 502 : 200)
            << " 1 \"-\" \"-\"\n";
    }
    return out.str();
}

bool holds(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

struct Case {
    Folder folder;
    std::string policy = folder.write("policy.yaml", policy_text);
    Ran run(std::vector<std::string> more) const {
        std::vector<std::string> words{"backtest", policy};
        words.insert(words.end(), more.begin(), more.end());
        return run_cli(words);
    }
};

}  // namespace

TEST_CASE("a bad release in the log would have been rolled back") {
    Case const test;
    auto const log = test.folder.write("access.log", access_log(3000, 1500, 600));
    auto const ran = test.run(
        {"--log", log, "--known-good", "v1", "--deploy", "v2@2026-01-31T12:24:00Z", "--json"}
    );
    INFO(ran.out << ran.err);
    REQUIRE(ran.exit == 0);
    auto const json = parse_json(ran.out);
    REQUIRE(json);
    REQUIRE(json->at("incidents").as_array().size() == 1);
    auto const& found = json->at("incidents").at(0);
    CHECK(found.at("would_run").at("target").as_string() == "v1");
    CHECK(found.at("opened_at").as_string().starts_with("2026-01-31T12:25:"));
    CHECK(found.at("over_at").as_string().starts_with("2026-01-31T12:3"));
    CHECK_FALSE(found.at("short").as_bool());
    CHECK(json->at("logs").at(0).at("lines").to_number<int>() == 3000);
    CHECK(holds(to_text(json->at("silent")), "shop/health"));
}

TEST_CASE("without a deployment it would not have acted, and the letter says why") {
    Case const test;
    auto const log = test.folder.write("access.log", access_log(1200, 600, 40));
    auto const ran = test.run({"--log", log});
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 0);
    CHECK(holds(ran.out, "not acting"));
    CHECK(holds(ran.out, "no_deployment (a)"));
    CHECK(holds(ran.out, "a false alarm?"));
    CHECK(holds(ran.out, "1 false alarm"));
}

TEST_CASE("several logs are one history, and a log is given to its signal") {
    Case const test;
    auto const first = test.folder.write("access.log.1", access_log(300, 9999, 0));
    auto const shop = test.folder.write(
        "x.txt",
        "2026-01-31T12:01:00Z ERROR a\n2026-01-31T12:01:01Z ERROR b\n2026-01-31T12:01:02Z ERROR c\n"
    );
    auto const ran = test.run({"--log", first, "--log", "shop/errors=" + shop});
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 0);
    CHECK(holds(ran.out, "shop/noisy: alert only"));
    auto const whose = test.run({"--log", shop});
    CHECK(whose.exit == 1);
    CHECK(holds(whose.err, "SERVICE/SIGNAL=FILE"));
    CHECK(test.run({"--log", "/nonexistent/access.log"}).exit == 1);
    CHECK(test.run({"--log", first, "--deploy", "v2"}).exit == 2);
    CHECK(test.run({"--log", "shop/none=" + shop}).exit == 2);
    auto const zipped = test.folder.write("access.log.2", "\x1f\x8b\x08");
    CHECK(holds(test.run({"--log", zipped}).err, "zcat"));
}

TEST_CASE("a journal tells of deployments and of what people judged") {
    Case const test;
    auto const store = "sqlite:" + (test.folder.path / "journal.db").string();
    auto const wall = *parse_rfc3339("2026-01-31T12:00:00Z");
    {
        auto journal = open_journal(store, OpenMode::read_write);
        REQUIRE(journal);
        JsonObject const v1{{"version", "v1"}, {"known_good", true}};
        JsonObject const v2{
            {"version", "v2"},
            {"started_at", JsonObject{{"wall", "2026-01-31T12:24:00Z"}, {"boot", 0}}}
        };
        std::vector<RecordDraft> const drafts{
            {"deployment.recorded", JsonObject{{"service", "shop"}, {"deployment", v1}}},
            {"deployment.recorded", JsonObject{{"service", "shop"}, {"deployment", v2}}},
            {"incident.opened",
             JsonObject{
                 {"incident",
                  JsonObject{
                      {"id", "INC-7"},
                      {"service", "shop"},
                      {"triggers", JsonArray{JsonObject{{"trigger", "bad"}}}}
                  }}
             }},
            {"incident.verdict", JsonObject{{"id", "INC-7"}, {"verdict", "false-positive"}}},
        };
        REQUIRE((*journal)->append(drafts, Now{Instant{}, wall + 25min}, "boot"));
    }
    auto const log = test.folder.write("access.log", access_log(3000, 1500, 600));
    auto const ran = test.run({"--log", log, "--store", store});
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 0);
    CHECK(holds(ran.out, "would have run code-rollback to v1"));
    CHECK(holds(ran.out, "INC-7, judged a false positive"));
}
