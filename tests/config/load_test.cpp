#include "config/load.hpp"

#include "core/record.hpp"
#include "tests/catch.hpp"
#include "tests/config/support/types.hpp"

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace rollbackd;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

LoadResult parse(std::string_view text) {
    return parse_policy(text, "p.yaml", testing::small_types());
}

std::string first(LoadResult const& result) {
    return result.problems.empty() ? "" : to_string(result.problems.front());
}

/// A folder that is gone when the test is.
class Folder {
public:
    Folder() : path_(fs::temp_directory_path() / ("rollbackd-config-" + std::to_string(getpid()))) {
        fs::create_directories(path_ / "conf.d");
    }
    ~Folder() { fs::remove_all(path_); }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    std::string write(std::string const& name, std::string const& text) const {
        std::ofstream(path_ / name, std::ios::binary) << text;
        return (path_ / name).string();
    }
    std::string at(std::string const& name) const { return (path_ / name).string(); }

private:
    fs::path path_;
};

std::string const small =
    "version: 1\n"
    "services:\n"
    "  shop:\n"
    "    vars: { url: http://127.0.0.1:3000 }\n"
    "    signals:\n"
    "      health: { http: { url: \"{{ url }}/health\" }, every: 5s }\n"
    "    triggers:\n"
    "      down: { when: failed(health), severity: P2, response: alert }\n";

}  // namespace

TEST_CASE("a small policy becomes values, with defaults where nothing is said") {
    auto const result = parse(small);
    INFO(first(result));
    REQUIRE(result.ok());
    auto const& policy = *result.policy;
    CHECK(policy.daemon == DaemonPolicy{});
    REQUIRE(policy.services.size() == 1);
    auto const& shop = policy.services[0];
    CHECK(shop.watch_window == Duration(30min));
    CHECK(shop.bake == Duration(30min));
    CHECK(shop.start_period == Duration(20s));
    REQUIRE(shop.signals.size() == 1);
    auto const& health = shop.signals[0];
    CHECK(health.type == "http");
    CHECK(health.is_probe);
    CHECK(text_of(health.params, "url") == "http://127.0.0.1:3000/health");
    CHECK(health.every == Duration(5s));
    CHECK(health.timeout == Duration(5s));
    CHECK(health.confirm_every == Duration(1s));
    CHECK(health.stale_after == Duration(20s));
    REQUIRE(shop.triggers.size() == 1);
    CHECK(shop.triggers[0].when.text() == "failed(health)");
    CHECK(shop.triggers[0].severity == Severity::P2);
    CHECK(shop.triggers[0].response == Response{ResponseKind::alert, {}});
    CHECK(shop.triggers[0].resolve_after == ResolveAfter{});
    CHECK(policy.matrix == default_matrix());
    CHECK(policy.text == small);
    CHECK(policy.hash == sha256_hex(small));
}

TEST_CASE("bake follows the watch window, and a probe's times follow its period") {
    auto const result = parse(
        "version: 1\n"
        "services:\n"
        "  shop:\n"
        "    watch_window: 1h\n"
        "    signals:\n"
        "      fast: { tcp: { address: 192.0.2.1:443 }, every: 200ms }\n"
        "      logs: { access_log: { path: /var/log/nginx/access.log, limit: 64KiB } }\n"
    );
    INFO(first(result));
    REQUIRE(result.ok());
    auto const& shop = result.policy->services[0];
    CHECK(shop.bake == Duration(1h));
    CHECK(shop.signals[0].timeout == Duration(200ms));
    CHECK(shop.signals[0].confirm_every == Duration(200ms));
    CHECK(shop.signals[0].stale_after == Duration(800ms));
    CHECK(shop.signals[1].stale_after == std::nullopt);
    CHECK(shop.signals[1].params.at("limit") == 65536);
}

TEST_CASE("plain words keep their YAML type where any value may stand") {
    auto const result = parse(
        "version: 1\n"
        "services:\n"
        "  shop:\n"
        "    signals:\n"
        "      a:\n"
        "        http:\n"
        "          url: http://127.0.0.1/\n"
        "          expect: { status: [200, 3xx], json: { /n: 1, /x: 1.5, /b: true, /t: \"1\", "
        "/s: ok, /z: ~ } }\n"
    );
    INFO(first(result));
    REQUIRE(result.ok());
    auto const expect = result.policy->services[0].signals[0].params.at("expect");
    CHECK(
        expect == parse_json(R"({"status":[200,"3xx"],"json":{"/n":1,"/x":1.5,"/b":true,"/t":"1",)"
                             R"("/s":"ok","/z":null}})")
                      .value()
    );
}

TEST_CASE("every form of a response is read") {
    auto const result = parse(
        "version: 1\n"
        "daemon: { autonomy: enforce }\n"
        "notify: { ops: { exec: { argv: [tell] } } }\n"
        "services:\n"
        "  shop:\n"
        "    signals: { p: { push: { kind: outcomes } } }\n"
        "    triggers:\n"
        "      a: { when: \"failures(p, 1m) > 1\", response: alert }\n"
        "      b: { when: \"failures(p, 1m) > 2\", response: propose }\n"
        "      c: { when: \"failures(p, 1m) > 3\", response: one }\n"
        "      d: { when: \"failures(p, 1m) > 4\", response: [{ run: one, within: 2m }, two] }\n"
        "      e: { when: \"failures(p, 1m) > 5\", response: { propose: [two] } }\n"
        "      f: { when: \"failures(p, 1m) > 6\", response: [one, two], within: 90s }\n"
        "    playbooks:\n"
        "      one: { steps: [{ exec: { argv: [a] } }] }\n"
        "      two: { steps: [{ exec: { argv: [b] } }] }\n"
    );
    INFO(first(result));
    REQUIRE(result.ok());
    auto const& triggers = result.policy->services[0].triggers;
    using enum ResponseKind;
    CHECK(triggers[0].response == Response{alert, {}});
    CHECK(triggers[1].response == Response{propose, {}});
    CHECK(triggers[2].response == Response{ladder, {{"one", {}}}});
    CHECK(triggers[3].response == Response{ladder, {{"one", Duration(2min)}, {"two", {}}}});
    CHECK(triggers[4].response == Response{propose, {{"two", {}}}});
    CHECK(triggers[5].response == Response{ladder, {{"one", {}}, {"two", {}}}});
    CHECK(triggers[5].within == Duration(90s));
    auto const& shop = result.policy->services[0];
    auto const resolved = resolve(*result.policy, shop, triggers[5], {});
    CHECK(resolved.response == Response{ladder, {{"one", Duration(90s)}, {"two", Duration(90s)}}});
}

TEST_CASE("steps get their names, times and what their type knows of itself") {
    auto const result = parse(
        "version: 1\n"
        "services:\n"
        "  shop:\n"
        "    vars: { repo: /srv/shop }\n"
        "    signals: { health: { tcp: { address: 127.0.0.1:80 } } }\n"
        "    playbooks:\n"
        "      back:\n"
        "        undoes: release\n"
        "        inputs: { table: ~, n: 5 }\n"
        "        steps:\n"
        "          - exec: { argv: [date] }\n"
        "            save: when\n"
        "          - git_checkout: { repo: \"{{ repo }}\", to: \"{{ known_good.version }}\" }\n"
        "          - { exec: { argv: [\"{{ steps.when }}\", \"{{ inputs.n }}\"] }, name: last }\n"
        "          - manual: { say: look, deadline: 10m }\n"
        "          - wait_until: { until: ok(health), within: 3m }\n"
        "        verify: [{ until: ok(health) }, { run: [test, ok], from: web1 }]\n"
        "        success: [{ hold: ok(health), for: 5m }]\n"
        "hosts: { web1: { ssh: deploy@web1.example.com, port: 2222 } }\n"
    );
    INFO(first(result));
    REQUIRE(result.ok());
    auto const& back = result.policy->services[0].playbooks[0];
    CHECK(back.undoes == Undoes::release);
    CHECK(back.inputs.at("table").is_null());
    CHECK(back.inputs.at("n") == "5");
    REQUIRE(back.steps.size() == 5);
    CHECK(back.steps[0].name == "exec-1");
    CHECK(back.steps[0].timeout == Duration(60s));
    CHECK(back.steps[1].name == "git_checkout-2");
    CHECK(back.steps[1].idempotent);
    CHECK(back.steps[1].edits);
    CHECK(text_of(back.steps[1].params, "to") == "{{ known_good.version }}");
    CHECK(back.steps[2].name == "last");
    CHECK(back.steps[3].timeout == Duration(10min));
    CHECK(back.steps[4].timeout == Duration(3min));
    CHECK(back.verify[0].limit == Duration(2min));
    CHECK(back.verify[1].from == "web1");
    CHECK(back.success[0].kind == CheckKind::hold);
    CHECK(result.policy->hosts[0].port == 2222);
}

TEST_CASE("a service inherits the daemon's limits wherever these stand") {
    auto const result = parse(
        "version: 1\n"
        "services: { shop: { limits: { runs_per_day: 9 } } }\n"
        "daemon: { limits: { runs_per_hour: 2, settle: 1m } }\n"
    );
    INFO(first(result));
    REQUIRE(result.ok());
    auto const& limits = result.policy->services[0].limits;
    CHECK(limits.runs_per_hour == 2);
    CHECK(limits.runs_per_day == 9);
    CHECK(limits.settle == Duration(1min));
    CHECK(limits.cooldown == Duration(10min));
}

TEST_CASE("the hash of a token is not in the text that is journaled, and its change is seen there"
) {
    auto const with = [](std::string const& digits) {
        return parse(
            "version: 1\n"
            "daemon:\n"
            "  tokens: [ { name: ci, role: ingest, sha256: '" +
            digits +
            "' } ]\n"
            "services: { shop: {} }\n"
        );
    };
    std::string const digits = std::string(32, 'a') + std::string(32, 'b');
    auto const result = with(digits);
    REQUIRE(result.ok());
    CHECK(result.policy->daemon.tokens.at(0).sha256 == digits);
    auto const& text = result.policy->text;
    CHECK(text.find(digits) == std::string::npos);
    CHECK(text.find("sha256: '" + std::string(12, 'a') + std::string(52, '0') + "'") != text.npos);
    CHECK(with(std::string(64, 'b')).policy->hash != result.policy->hash);
    // What was journaled can be read again.
    auto const again = parse(text);
    REQUIRE(again.ok());
    CHECK(again.policy->text == text);
}

TEST_CASE("the same policy as JSON is read alike") {
    auto const result =
        parse(R"({"version": 1, "services": {"shop": {"vars": {"url": "http://127.0.0.1:3000"},)"
              R"("signals": {"health": {"http": {"url": "{{ url }}/health"}, "every": "5s"}},)"
              R"j("triggers": {"down": {"when": "failed(health)", "severity": "P2",)j"
              R"("response": "alert"}}}}})");
    INFO(first(result));
    REQUIRE(result.ok());
    CHECK(result.policy->services == parse(small).policy->services);
}

TEST_CASE("a secret in the file is not in the text that is journaled") {
    std::string const text =
        "version: 1\n"
        "notify:\n"
        "  ops: { webhook: { url: \"https://hooks.example.com/T0/verysecret\" } }\n"
        "  env: { webhook: { url: \"${HOOK_URL}\" } }\n"
        "services: { shop: {} }\n";
    setenv("HOOK_URL", "https://hooks.example.com/T1", 1);
    auto const result = parse(text);
    REQUIRE(result.ok());
    CHECK(result.policy->text.find("verysecret") == std::string::npos);
    CHECK(result.policy->text.find("url: \"***\"") != std::string::npos);
    CHECK(result.policy->text.find("${HOOK_URL}") != std::string::npos);
    CHECK(text_of(result.policy->channels[0].params, "url").ends_with("verysecret"));
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems[0].warning);
    CHECK(result.problems[0].line == 3);
    // What was journaled can be read again, and says that it is not whole.
    auto const again = parse(result.policy->text);
    REQUIRE(again.ok());
    CHECK(again.policy->text == result.policy->text);
    CHECK(first(again).find("was taken out of this text") != std::string::npos);
}

TEST_CASE("conf.d adds services, channels, hosts and tokens in order of name") {
    Folder const folder;
    auto const hash = std::string(63, 'a');
    auto const main = folder.write(
        "rollbackd.yaml",
        "version: 1\ndaemon: { autonomy: observe, tokens: [{ name: a, role: "
        "read, sha256: " +
            hash + "0 }] }\nservices: { one: {} }\n"
    );
    folder.write(
        "conf.d/b.yaml",
        "services: { three: { notify: [ops] } }\nnotify: { ops: { exec: { argv: "
        "[tell] } } }\n"
    );
    folder.write(
        "conf.d/a.yaml",
        "version: 1\nservices: { two: {} }\ndaemon: { tokens: [{ name: b, role: "
        "admin, sha256: " +
            hash + "1 }] }\n"
    );
    auto const result = load_policy(main, testing::small_types());
    INFO(first(result));
    REQUIRE(result.ok());
    auto const& policy = *result.policy;
    REQUIRE(policy.services.size() == 3);
    CHECK(policy.services[1].name == "two");
    CHECK(policy.services[2].name == "three");
    CHECK(policy.daemon.tokens.size() == 2);
    CHECK(policy.hash == sha256_hex(policy.text));

    auto const again = parse_policy(policy.text, "journal", testing::small_types());
    REQUIRE(again.ok());
    CHECK(again.policy->services == policy.services);
    CHECK(again.policy->channels == policy.channels);
    CHECK(again.policy->daemon.autonomy == policy.daemon.autonomy);
    CHECK(again.policy->daemon.tokens.size() == 2);  // their hashes are not in the text
    CHECK(again.policy->hash == policy.hash);
}

TEST_CASE("the same name in two files is an error that names both places") {
    Folder const folder;
    auto const main = folder.write("rollbackd.yaml", "version: 1\nservices:\n  shop: {}\n");
    auto const other = folder.write("conf.d/a.yaml", "services:\n  shop: {}\n");
    auto const result = load_policy(main, testing::small_types());
    CHECK_FALSE(result.ok());
    CHECK(
        first(result) ==
        other + ":2:3: error: duplicate key \"shop\"; it is already on " + main + ":3"
    );
}

TEST_CASE("files that cannot be read are problems of their own") {
    Folder const folder;
    CHECK(
        first(load_policy(folder.at("none.yaml"), testing::small_types())).find("no such file") !=
        std::string::npos
    );
    CHECK(
        first(load_policy(folder.at("conf.d"), testing::small_types())).find("directory") !=
        std::string::npos
    );
    auto const large = folder.write("large.yaml", "#" + std::string(policy_file_bytes_max, 'x'));
    CHECK(
        first(load_policy(large, testing::small_types())) ==
        large + ": error: larger than 1 MiB; spread its services over files in conf.d/"
    );
    auto const empty = folder.write("empty.yaml", "");
    CHECK(
        first(load_policy(empty, testing::small_types())) ==
        empty + ":1:1: error: empty: a policy begins with version: 1"
    );
}

TEST_CASE("a missing secret file warns, and stops the daemon's start") {
    std::string const text =
        "version: 1\n"
        "notify: { ops: { webhook: { url_file: /nonexistent/hook } } }\n"
        "services: { shop: {} }\n";
    auto const& types = testing::small_types();
    auto const checked = parse_policy(text, "p.yaml", types);
    CHECK(checked.ok());
    CHECK(first(checked) == "p.yaml:2:39: warning: there is no file /nonexistent/hook");
    LoadOptions options;
    options.secrets_required = true;
    CHECK_FALSE(parse_policy(text, "p.yaml", types, options).ok());
    options = {};
    options.look_at_files = false;
    CHECK(parse_policy(text, "p.yaml", types, options).problems.empty());
}

TEST_CASE("a trigger's within holds for the rungs that the matrix gives it") {
    auto const result = parse(
        "version: 1\n"
        "daemon: { autonomy: enforce }\n"
        "services:\n"
        "  shop:\n"
        "    signals: { p: { push: { kind: outcomes } } }\n"
        "    triggers:\n"
        "      a: { when: \"failures(p, 1m) > 1\", classify: { impact: medium }, within: 3m }\n"
        "    playbooks: { flag-off: { steps: [{ exec: { argv: [a] } }] } }\n"
    );
    INFO(first(result));
    REQUIRE(result.ok());
    auto const& shop = result.policy->services[0];
    auto const resolved = resolve(*result.policy, shop, shop.triggers[0], {});
    REQUIRE(resolved.response.rungs.size() == 1);
    CHECK(resolved.response.rungs[0].within == Duration(3min));
}

TEST_CASE("a file in another encoding is refused at the byte that shows it") {
    CHECK(
        first(parse("version: 1\n# caf\xe9\nservices: {}\n")) ==
        "p.yaml:2:6: error: not UTF-8; save the file in that encoding"
    );
    CHECK(parse("version: 1\n# caf\xc3\xa9\nservices: { a: {} }\n").problems.empty());
}
