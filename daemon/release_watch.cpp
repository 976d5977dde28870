#include "daemon/release_watch.hpp"

namespace rollbackd {

namespace asio = boost::asio;

asio::awaitable<void> ReleaseWatch::watch(Facts facts, Told told) {
    while (co_await sleep_for(look_every)) {
        auto deployments = known_.look(engine_, clock_.now());
        for (auto& event : deployments) {
            event.facts = co_await facts(event.service);
            told(event.service, event.version);
            decider_.post(std::move(event));
        }
    }
}

}  // namespace rollbackd
