// The log sources: a file (followed like an access log), the journal's lines of a unit, and a
// container's log through its engine. Made by make_source() in registry.hpp.
#pragma once

#include "triggers/sources/log_match.hpp"
#include "triggers/sources/source.hpp"

namespace rollbackd {

Result<std::unique_ptr<Source>> make_log_source(
    std::string const& service, SignalPolicy const& signal, SourceContext const& context,
    Json const& saved
);

/// A log that is asked for what is new instead of being followed: the journal, a container.
class LogFeed {
public:
    virtual ~LogFeed() = default;

    struct Line {
        RawLine line;
        std::string place;  // for save_at()
    };
    struct News {
        std::vector<Line> lines;
        std::size_t unreadable = 0;
        bool more = false;  // there was more than is taken at once: ask again before waiting
    };
    /// What came since the last call, oldest first, as far as it is taken at once; an Error says
    /// why nothing can be read just now.
    virtual boost::asio::awaitable<Result<News>> fetch() = 0;
    /// Exactly after what was fetched last.
    virtual Json save() const = 0;
    /// Exactly after the line that has this place.
    virtual Json save_at(std::string const& place) const = 0;
};

std::unique_ptr<LogFeed> make_journal_feed(
    std::string unit, SourceContext const& context, Json const& saved
);
std::unique_ptr<LogFeed> make_container_feed(
    std::string container, std::string socket, SourceContext const& context, Json const& saved
);

}  // namespace rollbackd
