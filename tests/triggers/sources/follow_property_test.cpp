// Each line exactly once, whatever happens to the log and to the daemon, in whatever order.
#include "tests/catch.hpp"
#include "tests/triggers/sources/support/log_file.hpp"
#include "triggers/sources/follow.hpp"

#include <atomic>
#include <map>
#include <random>
#include <thread>

using namespace rollbackd;
using namespace rollbackd::source_test;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;

// The daemon as far as it matters here: what it counted, and the checkpoint of both together.
class Reader {
public:
    explicit Reader(std::string path) : path_(std::move(path)), follower_(path_) { save(); }

    bool read(std::size_t lines_max, Instant now) {
        auto batch = follower_.read_batch(lines_max, now);
        seen_.insert(seen_.end(), batch.lines.begin(), batch.lines.end());
        return batch.more || !batch.lines.empty();
    }
    void save() {
        saved_seen_ = seen_;
        saved_ = to_text(to_json(follower_.save()));
    }
    /// As after kill -9: everything since the checkpoint is forgotten and read again.
    void crash() {
        seen_ = saved_seen_;
        follower_ = FileFollower(path_, *read_json<FollowPosition>(*parse_json(saved_)));
    }
    /// What of the lines 0 to count - 1 was not counted exactly once; empty: nothing.
    std::string wrong(int count) const {
        std::map<std::string, int> times;
        for (int i = 0; i < count; ++i) times[numbered(i)] = 0;
        for (auto const& line : seen_) ++times[line];
        std::string text;
        for (auto const& [line, n] : times) {
            if (n != 1 && text.size() < 300) text += line + " " + std::to_string(n) + " times; ";
        }
        return text;
    }

private:
    std::string path_;
    FileFollower follower_;
    Lines seen_, saved_seen_;
    std::string saved_;
};

}  // namespace

TEST_CASE("each line is counted exactly once over any order of writing, rotating and crashing") {
    for (unsigned seed = 1; seed <= 100; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        auto const upto = [&](unsigned n) { return int(random() % n); };
        LogFile const log;
        log.append("before the first start\n");
        Reader reader(log.path());
        Instant now(1h);
        int written = 0;
        int rotations = 0;
        std::string half;  // the rest of a line that is half written
        for (int step = 0; step < 60; ++step) {
            switch (upto(9)) {
                case 0:
                case 1:
                    for (int i = upto(30); i >= 0; --i) {
                        log.append(half + numbered(written) + "\n");
                        half.clear();
                        ++written;
                    }
                    break;
                case 2: {  // half a line now, the rest with the next one
                    if (!half.empty()) break;
                    auto const text = numbered(written++) + "\n";
                    auto const cut = std::size_t(7 + upto(unsigned(text.size() - 7)));
                    log.append(text.substr(0, cut));
                    half = text.substr(cut);
                    break;
                }
                case 3:
                case 4:
                    log.append(half);
                    half.clear();
                    if (++rotations > 12) break;
                    // A file is rotated the same way all its life, by its own daemon's rules.
                    seed % 2 == 0 ? log.rotate_by_rename() : log.rotate_by_copy();
                    break;
                case 5:
                case 6:
                    reader.read(std::size_t(1 + upto(20)), now);
                    break;
                case 7:
                    reader.save();
                    break;
                case 8:
                    reader.crash();
                    break;
            }
            now += std::chrono::seconds(upto(20));
        }
        log.append(half + numbered(written++) + "\n");
        while (reader.read(100, now)) {
        }
        CHECK(reader.wrong(written) == "");
        while (reader.read(100, now + 1h)) {
        }
        while (reader.read(100, now + 2h)) {
        }
        CHECK(reader.wrong(written) == "");
    }
}

TEST_CASE("each line is counted exactly once while a server writes and rotates all the time") {
    for (bool const by_rename : {true, false}) {
        CAPTURE(by_rename);
        LogFile const log;
        log.append("");
        Reader reader(log.path());
        constexpr int count = 6000;
        std::atomic<bool> done = false;
        std::atomic<int> looks = 0;
        std::thread server([&] {
            int file = ::open(log.path().c_str(), O_WRONLY | O_APPEND);
            for (int i = 0; i < count; ++i) {
                auto const line = numbered(i) + "\n";
                // In two writes now and then, so that a reader meets halves.
                auto const cut = i % 7 == 0 ? line.size() / 2 : line.size();
                (void)!::write(file, line.data(), cut);
                (void)!::write(file, line.data() + cut, line.size() - cut);
                if (i % 500 != 499) continue;
                // As in life, the reader has seen one rotation before the next one comes.
                int const seen = looks;
                while (looks < seen + 2) std::this_thread::yield();
                if (by_rename) {
                    log.rotate_by_rename();
                    // Reopened only after some more lines went to the old file.
                    for (int late = 0; late < 3; ++late, ++i) {
                        auto const text = numbered(i + 1) + "\n";
                        (void)!::write(file, text.data(), text.size());
                    }
                    ::close(file);
                    file = ::open(log.path().c_str(), O_WRONLY | O_APPEND);
                } else {
                    log.rotate_by_copy();
                }
            }
            ::close(file);
            done = true;
        });
        Instant const now(1h);
        for (int round = 1; !done; ++round) {
            reader.read(50, now);
            ++looks;
            if (round % 5 == 0) reader.save();
            if (round % 13 == 0) reader.crash();
        }
        server.join();
        while (reader.read(100, now)) {
        }
        CHECK(reader.wrong(count) == "");
    }
}
