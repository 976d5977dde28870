// Who watches the watcher: deadlines of our own, and a heartbeat outwards that somebody else misses
// when it stops. What is late is counted and said; systemd's watchdog is fed in app_life.cpp.
#pragma once

#include "core/io/http_client.hpp"
#include "core/io/secrets.hpp"
#include "daemon/decider.hpp"
#include "daemon/metrics.hpp"

namespace rollbackd {

class SelfWatch {
public:
    SelfWatch(
        boost::asio::any_io_executor executor, Engine const& engine, Decider const& decider,
        Clock const& clock, HttpClient& http, Secrets& secrets, Metrics& metrics
    );

    /// The loop's own timer fired so late.
    void loop_lag(Duration late);
    void probe_lag(SignalPolicy const& signal, Duration late);
    void append_took(Duration took);

    /// Sends the heartbeat of the policy in effect until cancelled. None goes out while the journal
    /// cannot be written or the decider waits for it too long: then silence is the message.
    boost::asio::awaitable<void> beat();
    /// The policy has changed.
    void follow();

    static constexpr Duration loop_max = std::chrono::seconds(1);
    static constexpr Duration append_max = std::chrono::seconds(5);
    /// A probe may begin late by its own interval, but never by less than this.
    static constexpr Duration probe_min = std::chrono::seconds(1);
    static constexpr Duration say_every = std::chrono::minutes(1);
    static constexpr Duration answer_max = std::chrono::seconds(10);

private:
    void judge(std::string const& deadline, Duration took, Duration limit, std::string const& of);
    boost::asio::awaitable<void> send(HeartbeatPolicy heartbeat);
    void heard(std::string const& why);

    Engine const& engine_;
    Decider const& decider_;
    Clock const& clock_;
    HttpClient& http_;
    Secrets& secrets_;
    Metrics& metrics_;
    WakeUp wake_;
    std::map<std::string, Instant> said_;  // deadline: when it was last said to be missed
    std::string unheard_why_;
};

}  // namespace rollbackd
