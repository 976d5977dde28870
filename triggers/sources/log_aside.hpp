// A log's files, looked at in a thread of their own: on a mount that hangs that thread alone waits,
// and this log alone is unknown. Everything else is on the loop: waiting for changes, handing out,
// and what was saved and told as of the last look that came to its end. A look that hangs is not
// asked a second time; when it ends after all, what it read is handed out. Used by the access_log
// and log sources.
#pragma once

#include "core/io/blocking.hpp"
#include "triggers/sources/file_watch.hpp"
#include "triggers/sources/log_files.hpp"

namespace rollbackd {

/// A look that takes longer is told as `timeout`, and goes on.
inline constexpr Duration log_look_max = std::chrono::seconds(3);

class LogAside {
public:
    /// What a line says, as LogFiles::Read. Called in the log's thread: it shares nothing.
    using Read = std::function<LineFate(std::string const& line, Now now, Sample& sample)>;

    /// `saved`: of save(), for the same path; null at the very first start.
    LogAside(
        std::string path, Json saved, Read read, boost::asio::any_io_executor executor,
        Clock const& clock
    );
    /// Waits for nothing: the files are closed in their thread.
    ~LogAside();

    /// The first look: what is written from then on is new. As Source::begin().
    boost::asio::awaitable<void> begin();
    /// As Source::next_batch().
    boost::asio::awaitable<Result<std::vector<Sample>>> next_batch();
    /// Exactly after what was handed out so far.
    JsonObject const& save() const { return last_.saved; }
    SourceStatus status() const;

private:
    /// The state of things when a look came to its end.
    struct Seen {
        std::vector<Sample> samples;
        JsonObject saved;
        SourceStatus status;
    };
    class Files;

    boost::asio::awaitable<Result<std::vector<Sample>>> look(bool first);

    std::string path_;
    Clock const& clock_;
    FileWatch watch_;
    std::shared_ptr<Files> files_;  // of the look that is under way, and of nobody beside it
    BlockingPool thread_{1, 1};
    Seen last_;
    std::optional<Instant> looking_since_;
    bool over_ = false;  // told to stop: a look may be under way whose result is nobody's
};

}  // namespace rollbackd
