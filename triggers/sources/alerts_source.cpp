#include "triggers/sources/alerts_source.hpp"

#include "core/io/clock.hpp"
#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"
#include "triggers/sources/alert_table.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// An end is given in wall time, which may be set: it is looked at again no later than this.
constexpr Duration look_every = std::chrono::minutes(1);

class AlertsSource final : public Source {
public:
    AlertsSource(AlertTable table, Json const& saved, SourceContext const& context)
        : table_(std::move(table)), saved_(saved), clock_(context.clock), wake_(context.executor) {
        first_ = table_.load(saved, clock_.now());
    }

    asio::awaitable<Result<std::vector<Sample>>> next_batch() override {
        if (!first_.empty()) co_return std::exchange(first_, {});
        while (!co_await is_cancelled()) {
            auto const now = clock_.now();
            auto samples = table_.expire(now);
            if (!samples.empty()) co_return samples;
            auto wait = look_every;
            if (auto const end = table_.next_end()) {
                wait = std::clamp<Duration>(*end - now.wall, std::chrono::milliseconds(1), wait);
            }
            (void)co_await wake_.wait_for(wait);
        }
        co_return fail(Errc::cancelled, "told to stop");
    }

    // What fires under a new match and was not told yet is still what the old one had.
    Json save() const override { return first_.empty() ? table_.save() : saved_; }

    SourceStatus status() const override {
        SourceStatus status;
        status.reading = true;
        status.caught_up = true;
        return status;
    }

    AlertTable* alerts() override { return &table_; }
    void changed() override { wake_.notify(); }

private:
    AlertTable table_;
    Json saved_;
    std::vector<Sample> first_;  // of what fired already
    Clock const& clock_;
    WakeUp wake_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_alerts_source(
    std::string const& service, SignalPolicy const& signal, SourceContext const& context,
    Json const& saved
) {
    auto table = AlertTable::make(service, signal);
    if (!table) return tl::unexpected<Error>(table.error());
    return std::make_unique<AlertsSource>(*std::move(table), saved, context);
}

}  // namespace rollbackd
