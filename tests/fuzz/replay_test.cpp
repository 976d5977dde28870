// Every seed, and every input that ever broke an entry, goes through it again with each test run.
#include "tests/catch.hpp"
#include "tests/fuzz/entries.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using namespace rollbackd;

namespace {

constexpr char const* corpus = "/tests/fuzz/corpus/";

std::vector<fs::path> files_in(std::string const& folder) {
    std::vector<fs::path> files;
    for (auto const& entry : fs::directory_iterator(ROLLBACKD_SOURCE_DIR + folder)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

template <class Entry>
void replay(Entry entry, std::string const& folder, std::size_t files_min) {
    auto const files = files_in(folder);
    REQUIRE(files.size() >= files_min);
    for (auto const& file : files) {
        std::ifstream stream(file, std::ios::binary);
        std::ostringstream bytes;
        bytes << stream.rdbuf();
        auto const text = bytes.str();
        INFO(file.string());
        CHECK(entry(reinterpret_cast<std::uint8_t const*>(text.data()), text.size()) == 0);
        // Cut anywhere, as a connection or a disk may cut it.
        for (std::size_t cut = 1; cut < 8; ++cut) {
            auto const part = text.size() * cut / 8;
            CHECK(entry(reinterpret_cast<std::uint8_t const*>(text.data()), part) == 0);
        }
    }
}

}  // namespace

TEST_CASE("lines of access logs, whole and torn, are read or left out") {
    replay(fuzz::access_log, std::string(corpus) + "access_log", 8);
}

TEST_CASE("notifications of Alertmanager, whole and torn, are taken or refused") {
    replay(fuzz::alerts, std::string(corpus) + "alerts", 3);
}

TEST_CASE("conditions, whole and torn, are judged or refused") {
    replay(fuzz::condition, std::string(corpus) + "condition", 8);
}

TEST_CASE("answers of servers, whole and torn, are parsed within their bounds") {
    replay(fuzz::http_answer, std::string(corpus) + "http_answer", 5);
}

TEST_CASE("lines of logs in whatever they come, whole and torn, are read or left out") {
    replay(fuzz::log, std::string(corpus) + "log", 5);
}

TEST_CASE("what machines say to steps, whole and torn, is read or refused") {
    replay(fuzz::hands, std::string(corpus) + "hands", 6);
}

TEST_CASE("what a machine says about itself, whole and torn, is read or refused") {
    replay(fuzz::host, std::string(corpus) + "host", 6);
}

TEST_CASE("policies, whole and torn, are read or refused, good and bad ones alike") {
    replay(fuzz::policy, std::string(corpus) + "policy", 3);
    replay(fuzz::policy, "/config/examples", 2);
    replay(fuzz::policy, "/tests/config/bad", 100);
}

TEST_CASE("files of tests, whole and torn, are read or refused") {
    replay(fuzz::policy_tests, std::string(corpus) + "policy_tests", 3);
}

TEST_CASE("pushed bodies, whole and torn, are taken or refused") {
    replay(fuzz::push, std::string(corpus) + "push", 6);
}

TEST_CASE("metrics and answers of APIs, whole and torn, are numbers or unknown") {
    replay(fuzz::scrape, std::string(corpus) + "scrape", 5);
}

TEST_CASE("queries and their answers, whole and torn, are read or unknown") {
    replay(fuzz::sql, std::string(corpus) + "sql", 5);
}

TEST_CASE("answers of Redis, whole and torn, are read or refused") {
    replay(fuzz::redis, std::string(corpus) + "redis", 4);
}

TEST_CASE("answers of name servers, whole and torn, are read or refused") {
    replay(fuzz::dns, std::string(corpus) + "dns", 3);
}

TEST_CASE("runbooks, whole and torn, become policies or are refused") {
    replay(fuzz::runbook, std::string(corpus) + "runbook", 3);
}

TEST_CASE("requests, whole and torn, are understood or refused") {
    replay(fuzz::request, std::string(corpus) + "request", 6);
}

TEST_CASE("requests of an administrator, whole and torn, are answered") {
    replay(fuzz::routes, std::string(corpus) + "routes", 8);
}

TEST_CASE("stores, records and checkpoints, damaged and torn, are read or refused") {
    replay(fuzz::journal, std::string(corpus) + "journal", 8);
}
