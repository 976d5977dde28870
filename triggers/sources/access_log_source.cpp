#include "triggers/sources/access_log_source.hpp"

#include "triggers/sources/access_log_match.hpp"
#include "triggers/sources/log_aside.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

class AccessLogSource final : public Source {
public:
    AccessLogSource(
        std::string path, AccessLogReader reader, Json saved, asio::any_io_executor executor,
        Clock const& clock
    )
        : path_(std::move(path)),
          log_(
              path_, std::move(saved),
              [reader = std::move(reader)](std::string const& line, Now now, Sample& sample) {
                  return reader.read(line, now, sample);
              },
              std::move(executor), clock
          ) {}

    asio::awaitable<void> begin() override { co_await log_.begin(); }

    asio::awaitable<Result<std::vector<Sample>>> next_batch() override {
        co_return co_await log_.next_batch();
    }

    Json save() const override {
        auto saved = log_.save();
        saved["path"] = path_;
        return saved;
    }

    SourceStatus status() const override { return log_.status(); }

private:
    std::string path_;
    LogAside log_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_access_log_source(
    std::string const& service, SignalPolicy const& signal, asio::any_io_executor executor,
    Clock const& clock, Json const& saved
) {
    auto reader = AccessLogReader::make(service, signal);
    if (!reader) return tl::unexpected<Error>(reader.error());
    Json const parameters(signal.params);
    auto const path = text_of(parameters, "path");
    if (path.empty()) return fail(Errc::invalid, "expected the log's file name", "path");
    // A position in another file is of no use in this one.
    auto const known = text_of(saved, "path") == path ? saved : Json();
    return std::make_unique<AccessLogSource>(path, std::move(*reader), known, executor, clock);
}

}  // namespace rollbackd
