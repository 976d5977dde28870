// The API's certificate while the daemon lives: it is renewed under our feet (certbot), so its
// files are looked at again and again. A pair that is no pair changes nothing and is told.
#pragma once

#include "api/tls.hpp"
#include "core/io/blocking.hpp"

#include <functional>

namespace rollbackd {

/// What the files of a TLS policy hold, as one hash; "" where one cannot be read. Blocks.
std::string files_of(TlsPolicy const& policy);

class Certificates {
public:
    using Use = std::function<void(std::shared_ptr<api::TlsContext const>)>;

    /// `policy` is what the API was opened with; nothing: it speaks no TLS, and nothing is watched.
    /// `pool` reads the files; `use` gets what connections to come are to have.
    Certificates(std::optional<TlsPolicy> policy, BlockingPool& pool, Use use);

    /// Looks every so often, until cancelled. Files that changed and are no pair are told when they
    /// have stayed so for a look: certificate and key are not replaced at the same instant.
    boost::asio::awaitable<void> watch();
    /// Looks now, at the files of `policy` from now on: what is wrong is told at once, and
    /// answered.
    boost::asio::awaitable<std::string> look(std::optional<TlsPolicy> policy);

    /// Until when the certificate in use is good; nothing without TLS.
    std::optional<WallTime> not_after() const { return not_after_; }
    /// What is wrong with the files now; empty: they are in use.
    std::string const& problem() const { return problem_; }

    static constexpr Duration looked_every = std::chrono::seconds(10);

private:
    struct Seen {
        std::string files;
        std::shared_ptr<api::TlsContext const> context;
        std::string problem;
    };

    static Seen read(TlsPolicy const& policy);
    boost::asio::awaitable<Seen> read_elsewhere();
    void take(Seen seen);
    bool is_known(std::string const& files);

    std::optional<TlsPolicy> policy_;
    BlockingPool& pool_;
    Use use_;
    std::string in_use_;                  // what the files held that are in use
    std::string refused_;                 // what they held when they were told to be no pair
    std::optional<std::string> doubted_;  // what they held at the last look, and were no pair
    std::string problem_;
    std::optional<WallTime> not_after_;
};

}  // namespace rollbackd
