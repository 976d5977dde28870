#include "daemon/certificates.hpp"

#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"
#include "core/record.hpp"
#include "daemon/log.hpp"

#include <fstream>
#include <iterator>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t file_bytes_max = std::size_t{1} << 20U;

}  // namespace

std::string files_of(TlsPolicy const& policy) {
    std::string all;
    for (auto const& path : {policy.cert, policy.key, policy.client_ca}) {
        if (path.empty()) continue;
        std::ifstream file(path, std::ios::binary);
        std::string bytes(file_bytes_max, '\0');
        file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        if (file.gcount() == 0) return {};
        bytes.resize(static_cast<std::size_t>(file.gcount()));
        all += path + "\n" + sha256_hex(bytes) + "\n";
    }
    return sha256_hex(all);
}

Certificates::Certificates(std::optional<TlsPolicy> policy, BlockingPool& pool, Use use)
    : policy_(std::move(policy)), pool_(pool), use_(std::move(use)) {
    if (!policy_) return;
    // What the API was opened with may have been replaced by now.
    auto seen = read(*policy_);
    if (!seen.context) return;
    in_use_ = seen.files;
    not_after_ = api::not_after(*seen.context);
    use_(std::move(seen.context));
}

Certificates::Seen Certificates::read(TlsPolicy const& policy) {
    Seen out;
    // Before they are used: what comes in between is another change at the next look.
    out.files = files_of(policy);
    auto loaded = api::load_tls(policy);
    if (loaded) {
        out.context = *std::move(loaded);
    } else {
        out.problem = to_string(loaded.error());
    }
    return out;
}

asio::awaitable<Certificates::Seen> Certificates::read_elsewhere() {
    auto job = [policy = *policy_]() -> Result<Seen> { return read(policy); };
    auto read = co_await run_blocking(pool_, std::move(job));
    Seen failed;
    if (!read) failed.problem = read.error().what;
    if (!read) co_return failed;
    co_return *std::move(read);
}

void Certificates::take(Seen seen) {
    if (seen.context) {
        bool const other = seen.files != in_use_;
        in_use_ = seen.files;
        refused_.clear();
        problem_.clear();
        not_after_ = api::not_after(*seen.context);
        use_(std::move(seen.context));
        if (!other) return;
        log(LogLevel::info, "tls.loaded",
            {{"cert", policy_->cert}, {"not_after", format_rfc3339(*not_after_)}});
        return;
    }
    problem_ = seen.problem + "; the certificate in use stays";
    refused_ = seen.files;
    log(LogLevel::error, "tls.refused", {{"why", problem_}});
}

/// Whether nothing has to be done about what the files hold.
bool Certificates::is_known(std::string const& files) {
    if (files != in_use_) return files == refused_ && !problem_.empty();
    problem_.clear();  // somebody has put back what was there
    return true;
}

asio::awaitable<void> Certificates::watch() {
    while (policy_) {
        if (!co_await sleep_for(looked_every)) co_return;
        auto look = [policy = *policy_]() -> Result<std::string> { return files_of(policy); };
        auto const files = co_await run_blocking(pool_, std::move(look));
        if (co_await is_cancelled()) co_return;
        if (!files || is_known(*files)) continue;
        auto seen = co_await read_elsewhere();
        if (co_await is_cancelled()) co_return;
        bool const first = !seen.context && std::exchange(doubted_, seen.files) != seen.files;
        if (!first) take(std::move(seen));
    }
}

asio::awaitable<std::string> Certificates::look(std::optional<TlsPolicy> policy) {
    if (!policy_ || !policy) co_return std::string();
    policy_ = std::move(policy);
    auto seen = co_await read_elsewhere();
    take(std::move(seen));
    co_return problem_;
}

}  // namespace rollbackd
