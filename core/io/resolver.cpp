#include "core/io/resolver.hpp"

#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace rollbackd {

namespace asio = boost::asio;
using Addresses = std::vector<std::string>;
using SteadyClock = std::chrono::steady_clock;

namespace {

bool is_literal(std::string const& host) {
    in6_addr room{};
    return ::inet_pton(AF_INET, host.c_str(), &room) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &room) == 1;
}

Result<Addresses> look_up(std::string const& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    int const code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const owner(found, &::freeaddrinfo);
    if (code != 0) return fail(Errc::not_found, ::gai_strerror(code), host);
    Addresses addresses;
    for (auto const* one = found; one != nullptr; one = one->ai_next) {
        char text[NI_MAXHOST];
        int const named = ::getnameinfo(
            one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST
        );
        if (named == 0 && addresses.size() < Resolver::addresses_max) addresses.emplace_back(text);
    }
    if (addresses.empty()) return fail(Errc::not_found, "the name has no address", host);
    return addresses;
}

struct Known {
    Addresses addresses;
    SteadyClock::time_point until;
};

/// One lookup under way, and everybody who waits for it.
struct Pending {
    explicit Pending(asio::any_io_executor executor) : answered(std::move(executor)) {}
    WakeUp answered;
    std::optional<Result<Addresses>> answer;
};

}  // namespace

// Shared with the lookups under way: they outlive a Resolver that is destroyed meanwhile.
struct Resolver::State {
    explicit State(asio::any_io_executor ex)
        : executor(ex), pool(threads_max), tasks(ex), lookup(look_up) {}

    void remember(std::string const& host, Addresses addresses);
    static asio::awaitable<void> run(
        std::shared_ptr<State> self, std::string host, std::shared_ptr<Pending> pending
    );

    asio::any_io_executor executor;
    BlockingPool pool;
    TaskGroup tasks;
    Lookup lookup;
    std::map<std::string, Known> known;
    std::map<std::string, std::shared_ptr<Pending>> pending;
};

void Resolver::State::remember(std::string const& host, Addresses addresses) {
    auto const now = SteadyClock::now();
    if (known.size() >= cache_max) {
        std::erase_if(known, [now](auto const& entry) { return entry.second.until <= now; });
    }
    if (known.size() < cache_max) known[host] = Known{std::move(addresses), now + cache_ttl};
}

asio::awaitable<void> Resolver::State::run(
    std::shared_ptr<State> self, std::string host, std::shared_ptr<Pending> pending
) {
    auto job = [lookup = self->lookup, host] { return lookup(host); };
    auto answer = co_await run_blocking(self->pool, std::move(job), lookup_max);
    if (answer) self->remember(host, *answer);
    pending->answer = std::move(answer);
    self->pending.erase(host);
    pending->answered.notify();
}

Resolver::Resolver(asio::any_io_executor executor)
    : state_(std::make_shared<State>(std::move(executor))) {}

Resolver::~Resolver() { stop(); }

void Resolver::stop() {
    // getaddrinfo cannot be interrupted; nobody waits for a dead name server.
    state_->pool.stop(std::chrono::milliseconds(100));
    if (!state_->pending.empty()) state_->tasks.cancel();
}

void Resolver::set_lookup(Lookup lookup) { state_->lookup = std::move(lookup); }

asio::awaitable<Result<Addresses>> Resolver::resolve(std::string host, Duration limit) {
    if (is_literal(host)) co_return Addresses(1, std::move(host));
    auto const state = state_;
    auto const known = state->known.find(host);
    if (known != state->known.end() && known->second.until > SteadyClock::now()) {
        co_return known->second.addresses;
    }
    auto& slot = state->pending[host];
    if (!slot) {
        slot = std::make_shared<Pending>(state->executor);
        state->tasks.spawn("resolve " + host, State::run(state, host, slot));
    }
    auto const pending = slot;
    co_await pending->answered.wait_for(limit);
    if (pending->answer) co_return *pending->answer;
    bool const cancelled = co_await is_cancelled();
    if (cancelled) co_return fail(Errc::cancelled, "cancelled", host);
    auto what = "no answer from the name server within " + format_duration(limit);
    co_return fail(Errc::timeout, std::move(what), host);
}

}  // namespace rollbackd
