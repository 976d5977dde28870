// Prometheus metrics. Counters and histograms are fed as things happen; what is a view of the state
// (verdicts, open incidents, queues) is read from it at the scrape. Names: docs/metrics.md.
#pragma once

#include "daemon/reader.hpp"

#include <memory>

namespace rollbackd {

class Metrics {
public:
    Metrics();
    ~Metrics();

    void probed(SignalPolicy const& signal, Duration took, Duration late);
    void appended(Duration took);
    void applied(std::vector<Record> const& records, State const& state);
    void delivered(std::string const& channel, std::string_view result);
    void requested(std::string_view method, std::string_view route, unsigned status, Duration took);
    void reloaded(bool ok, Now now);
    void loop_lag(Duration lag);
    void missed(std::string const& deadline);
    void beat(bool heard);
    /// Of the API's certificate; nothing: it speaks no TLS.
    void certificate(std::optional<WallTime> not_after);

    /// The text format of everything, as of now.
    std::string render(Engine const& engine, Decider const& decider, Reader const& reader, Now now);
    /// Of a daemon that stands by: it sees nothing of the services, and says nothing about them.
    std::string render_standby(Engine const& engine);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rollbackd
