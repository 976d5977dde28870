// A store as a disk may give it back. The first byte chooses what is damaged: the journal's file
// (the rest are patches of three bytes: where, where, what), the text of a record, or that of a
// checkpoint. It is read or refused; what is called intact is what was written.
#include "core/ensure.hpp"
#include "daemon/store/journal.hpp"
#include "engine/engine.hpp"
#include "engine/records.hpp"
#include "tests/fuzz/entries.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;
using namespace rollbackd;

namespace {

constexpr Now moment{
    Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(std::int64_t(24) * 365 * 56))
};

std::string const& folder() {
    // In memory where there is such a place: a file is made for every input.
    struct Folder {
        std::string path =
            (fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
            ("rollbackd-fuzz-" + std::to_string(::getpid()));
        Folder() { fs::create_directory(path); }
        ~Folder() {
            std::error_code ignored;
            fs::remove_all(path, ignored);
        }
        Folder(Folder const&) = delete;
        Folder& operator=(Folder const&) = delete;
    };
    static Folder const made;
    return made.path;
}

std::vector<RecordDraft> drafts() {
    return {
        {"daemon.started", Json{{"version", "1"}}},
        {"service.paused", Json{{"service", "shop"}, {"by", "a person"}}},
        {"service.resumed", Json{{"service", "shop"}, {"by", "a person"}}},
    };
}

struct Written {
    std::vector<Record> records;
    std::string bytes;  // of the file, once it was closed
};

Written write_journal() {
    Written out;
    auto const path = folder() + "/good.db";
    {
        auto journal = open_journal("sqlite:" + path, OpenMode::read_write);
        ensure(journal.has_value(), "a new journal can be made");
        auto records = (*journal)->append(drafts(), moment, "boot");
        ensure(records.has_value(), "records can be appended");
        out.records = std::move(*records);
    }
    std::ifstream file(path, std::ios::binary);
    out.bytes.assign(std::istreambuf_iterator<char>(file), {});
    return out;
}

/// Whatever was done to the file: the records called intact are the first of those written.
void check_file(std::string_view patches) {
    static Written const good = write_journal();
    auto bytes = good.bytes;
    for (std::size_t i = 0; i + 3 <= patches.size(); i += 3) {
        auto const at = std::size_t(static_cast<unsigned char>(patches[i])) << 8U |
                        static_cast<unsigned char>(patches[i + 1]);
        bytes[at % bytes.size()] = patches[i + 2];
    }
    auto const path = folder() + "/damaged.db";
    for (auto const* const more : {"", "-wal", "-shm", "-journal"}) fs::remove(path + more);
    std::ofstream(path, std::ios::binary) << bytes;
    for (auto const mode : {OpenMode::read_only, OpenMode::read_write}) {
        auto const journal = open_journal("sqlite:" + path, mode);
        if (!journal) {
            ensure(!journal.error().what.empty(), "a refusal says why");
            continue;
        }
        auto const report = verify_journal(**journal);
        if (!report) continue;
        auto const records = (*journal)->read(1, report->records);
        if (report->records == 0 || !records) continue;
        for (std::size_t i = 0; i < records->size() && i < report->records; ++i) {
            ensure((*records)[i] == good.records.at(i), "an intact record is as it was written");
        }
    }
}

void check_record(std::string_view text) {
    auto const end = text.find('\n');
    Record record;
    record.seq = 1;
    record.kind = text.substr(0, end);
    record.body = end == text.npos ? std::string() : std::string(text.substr(end + 1));
    (void)read_body(record);
}

void check_checkpoint(std::string_view text) {
    auto const saved = parse_json(text);
    if (!saved) return;
    Engine engine(std::make_shared<Policy const>(), moment, "boot");
    if (auto const* const windows = find(*saved, "windows")) {
        (void)engine.load_windows(*windows, moment);
    }
    if (engine.load_state(*saved)) (void)engine.next_deadline();
}

}  // namespace

int rollbackd::fuzz::journal(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const rest(reinterpret_cast<char const*>(data) + 1, size - 1);
    if (data[0] % 3 == 0) check_file(rest);
    if (data[0] % 3 == 1) check_record(rest);
    if (data[0] % 3 == 2) check_checkpoint(rest);
    return 0;
}
