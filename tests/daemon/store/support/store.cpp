#include "tests/daemon/store/support/store.hpp"

#include "tests/catch.hpp"

#include <sqlite3.h>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace rollbackd::store_test {

namespace fs = std::filesystem;

TempFolder::TempFolder() {
    std::string name = (fs::temp_directory_path() / "rollbackd-store-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
}

TempFolder::~TempFolder() {
    std::error_code ignored;  // a leftover folder must not turn a passing test into a crash
    fs::remove_all(folder_, ignored);
}

std::string read_file(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

void write_file(std::string const& path, std::string const& bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << bytes;
    REQUIRE(file.flush());
}

Now at(int second) {
    auto const start = std::chrono::sys_days(std::chrono::year(2026) / 1 / 31);
    return Now{
        Instant(std::chrono::seconds(1000 + second)), WallTime(start + std::chrono::seconds(second))
    };
}

std::vector<RecordDraft> drafts(int count, int first) {
    std::vector<RecordDraft> made;
    for (int i = first; i < first + count; ++i) {
        JsonObject body;
        body["n"] = i;
        body["text"] = "record number " + std::to_string(i) + "\nwith a second line";
        made.push_back(RecordDraft{"test.record", std::move(body)});
    }
    return made;
}

std::unique_ptr<Journal> open(std::string const& url, OpenMode mode) {
    auto journal = open_journal(url, mode);
    INFO((journal ? std::string() : to_string(journal.error())));
    REQUIRE(journal.has_value());
    return std::move(*journal);
}

void make_journal(std::string const& url, int count) {
    auto const journal = open(url);
    for (int i = 1; i <= count; ++i) REQUIRE(journal->append(drafts(1, i), at(i), boot_id));
}

VerifyReport verify(std::string const& url) {
    auto const journal = open(url, OpenMode::read_only);
    auto report = verify_journal(*journal);
    REQUIRE(report.has_value());
    return *report;
}

std::vector<Record> read_all(Journal const& journal) {
    std::vector<Record> all;
    while (true) {
        auto const batch = journal.read(all.size() + 1, 100);
        REQUIRE(batch.has_value());
        if (batch->empty()) return all;
        all.insert(all.end(), batch->begin(), batch->end());
    }
}

bool run_sql(std::string const& path, std::string const& sql) {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
    int const code = sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    return code == SQLITE_OK;
}

void tamper(std::string const& path, std::string const& sql) {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
    std::vector<std::string> triggers;
    auto const keep = [](void* list, int, char** values, char**) {
        static_cast<std::vector<std::string>*>(list)->emplace_back(values[0]);
        return 0;
    };
    char const* const names = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
    char const* const texts = "SELECT sql FROM sqlite_schema WHERE type = 'trigger'";
    std::vector<std::string> again;
    REQUIRE(sqlite3_exec(handle, names, keep, &triggers, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_exec(handle, texts, keep, &again, nullptr) == SQLITE_OK);
    std::string script = "BEGIN;";
    for (auto const& name : triggers) script += "DROP TRIGGER " + name + ";";
    script += sql + ";";
    for (auto const& text : again) script += text + ";";
    script += "COMMIT;";
    char* message = nullptr;
    int const code = sqlite3_exec(handle, script.c_str(), nullptr, nullptr, &message);
    INFO((message == nullptr ? "" : message));
    CHECK(code == SQLITE_OK);
    sqlite3_free(message);
    sqlite3_close(handle);
}

Error refusal(std::string const& url, std::string const& path, OpenMode mode) {
    auto const before = read_file(path);
    auto const journal = open_journal(url, mode);
    CHECK(read_file(path) == before);
    REQUIRE_FALSE(journal.has_value());
    CHECK_FALSE(journal.error().where.empty());
    return journal.error();
}

}  // namespace rollbackd::store_test
