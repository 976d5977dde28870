// Names to addresses: getaddrinfo in threads of its own, so that a dead name server holds up
// neither the loop, nor other blocking jobs, nor the stop of the daemon. Literal addresses cost
// nothing.
#pragma once

#include "core/io/blocking.hpp"

#include <string>
#include <vector>

namespace rollbackd {

class Resolver {
public:
    explicit Resolver(boost::asio::any_io_executor executor);
    ~Resolver();

    /// Addresses as text, in the order to try them; IPv6 without brackets. Errc::timeout: no answer
    /// within `limit`; not_found: the name has no address. Answers are kept for `cache_ttl`;
    /// callers that ask for the same name meanwhile share one lookup. Failures are not kept.
    boost::asio::awaitable<Result<std::vector<std::string>>> resolve(
        std::string host, Duration limit
    );
    void stop();

    /// getaddrinfo, replaceable by tests. Runs in the pool's threads.
    using Lookup = std::function<Result<std::vector<std::string>>(std::string const& host)>;
    void set_lookup(Lookup lookup);

    static constexpr Duration cache_ttl = std::chrono::seconds(10);
    static constexpr Duration lookup_max = std::chrono::seconds(30);
    static constexpr std::size_t cache_max = 256;
    static constexpr std::size_t threads_max = 4;
    static constexpr std::size_t addresses_max = 8;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace rollbackd
