// What every test of the store needs: a temp folder of its own, drafts, and the usual openings.
#pragma once

#include "daemon/store/journal.hpp"

#include <filesystem>
#include <functional>

namespace rollbackd::store_test {

class TempFolder {
public:
    TempFolder();
    ~TempFolder();
    TempFolder(TempFolder const&) = delete;
    TempFolder& operator=(TempFolder const&) = delete;

    std::string path(std::string const& name) const { return (folder_ / name).string(); }
    std::string url(std::string const& name = "journal.db") const { return "sqlite:" + path(name); }

private:
    std::filesystem::path folder_;
};

std::string read_file(std::string const& path);
void write_file(std::string const& path, std::string const& bytes);

inline std::string const boot_id = "6f1e7c1e-0000-4000-8000-000000000001";
Now at(int second);
/// `count` drafts, told apart by `first`, first + 1, …
std::vector<RecordDraft> drafts(int count, int first = 1);

/// Opens or fails the test with the error's text.
std::unique_ptr<Journal> open(std::string const& url, OpenMode mode = OpenMode::read_write);
/// A closed journal of `count` records, each appended by itself.
void make_journal(std::string const& url, int count);
VerifyReport verify(std::string const& url);
std::vector<Record> read_all(Journal const& journal);

/// SQL as any other program could run it; false where the database refuses it.
bool run_sql(std::string const& path, std::string const& sql);
/// SQL behind the journal's back, its triggers dropped first.
void tamper(std::string const& path, std::string const& sql);

/// The error of opening `url`, with the proof that the file at `path` was left as it was.
Error refusal(
    std::string const& url, std::string const& path, OpenMode mode = OpenMode::read_write
);

}  // namespace rollbackd::store_test
