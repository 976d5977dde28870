// A source brings the samples of one signal by itself: an access log that grows. The daemon spawns
// one task a source, which takes batches until it is cancelled, and checkpoints save() together
// with the windows the samples went into.
#pragma once

#include "triggers/signal.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

namespace rollbackd {

class AlertTable;
class BlockingPool;
class Clock;
class Dialer;
class HttpClient;
class Secrets;

/// What sources share on one loop. Everything outlives the sources.
struct SourceContext {
    boost::asio::any_io_executor executor;
    Dialer& dialer;
    HttpClient& http;
    BlockingPool& pool;
    Secrets& secrets;
    Clock const& clock;
};

/// How a source is doing, for /v1/status and metrics.
struct SourceStatus {
    bool reading = false;       // false: the file is missing or may not be read; `text` says which
    bool caught_up = false;     // everything that was there has been handed out
    std::string text;           // one sentence where something is wrong; else empty
    std::uint64_t lines = 0;    // read in full, since the start
    std::uint64_t samples = 0;  // of them: handed out
    std::uint64_t unmatched = 0;   // of them: not what `match` asks for
    std::uint64_t no_status = 0;   // of them: 1xx, or no status at all
    std::uint64_t unreadable = 0;  // of them: not in the format; skipped
    std::uint64_t too_long = 0;    // lines above line_bytes_max; skipped whole
    std::uint64_t lost = 0;        // times a rotated file was gone before it was read to its end
    std::optional<Instant> since;  // since when it is not read, where that is known

    friend bool operator==(SourceStatus const&, SourceStatus const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    SourceStatus, (),
    (reading, caught_up, text, lines, samples, unmatched, no_status, unreadable, too_long, lost)
)

/// What became of a line of a log. `no_status`: also without the latency that is to be measured.
enum class LineFate { sample, unmatched, no_status, unreadable };

class Source {
public:
    virtual ~Source() = default;
    /// Before the first batch: looks at what is there already, so that what comes from then on is
    /// new. Returns when it has, however long that takes, or when told to stop.
    virtual boost::asio::awaitable<void> begin() { co_return; }
    /// Waits for samples and hands out at most source_batch_max, never an empty batch. A missing
    /// or unreadable file is a status, not an error: it may appear later. Errc::cancelled: told to
    /// stop; nothing that was not handed out is counted as handed out.
    virtual boost::asio::awaitable<Result<std::vector<Sample>>> next_batch() = 0;
    /// Where to go on: exactly after the samples handed out so far.
    virtual Json save() const = 0;
    virtual SourceStatus status() const = 0;
    /// Told once a checkpoint with this of save() is durable: what it covers may be acknowledged.
    virtual void saved(Json const& what) { (void)what; }
    /// Of an `alerts` signal: what a notification is taken into, after a copy of it was tried.
    virtual AlertTable* alerts() { return nullptr; }
    /// Told that something it did not do itself has changed its table.
    virtual void changed() {}
};

inline constexpr std::size_t source_batch_max = 1000;

}  // namespace rollbackd
