// tls: days until the certificate ends, by a handshake of its own each time. A gauge: the lesser of
// the leaf's days and those of the chain it was verified by. A certificate that does not verify
// (wrong host, not yet valid, self-signed) still has its days, but the signal has failed, with the
// fault as its reason. When no handshake comes about, the last certificate seen goes on counting
// down.
#include "core/io/clock.hpp"
#include "core/io/file.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/starttls.hpp"
#include "triggers/probes/types.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo tls_info() {
    TypeInfo info;
    info.name = "tls";
    info.doc = "Days left of a server's certificate and of the chain that vouches for it.";
    info.kind = "gauge";
    info.is_probe = true;
    info.fields = {
        {.name = "address", .type = FieldType::text, .doc = "HOST:PORT or [IPv6]:PORT."},
        {.name = "file",
         .type = FieldType::path,
         .doc = "Instead of a server: a PEM file; its first certificate is the leaf, all of it the "
                "chain."},
        {.name = "starttls",
         .type = FieldType::choice,
         .doc = "The protocol that is spoken before the handshake.",
         .choices = {"smtp", "postgresql"}},
        {.name = "server_name",
         .type = FieldType::text,
         .doc = "Name asked for (SNI) and checked; absent: the address's host."},
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust the CA certificates of this PEM file instead of the system's."},
    };
    info.one_of = {{"address", "file"}};
    return info;
}

std::vector<Error> check_tls(JsonObject const& params) {
    if (params.contains("file")) {
        for (auto const* const key : {"starttls", "server_name", "ca"}) {
            if (!params.contains(key)) continue;
            return {Error{Errc::invalid, std::string(key) + " is of a server, not of a file", key}};
        }
        return {};
    }
    auto const target = parse_address(text_of(Json(params), "address"));
    if (target) return {};
    return {Error{Errc::invalid, target.error().what, "address"}};
}

double days_until(WallTime end, WallTime now) {
    return std::chrono::duration<double, std::ratio<86400>>(end - now).count();
}

std::string shown(double days) {
    auto const tenths = std::to_string(days);
    return tenths.substr(0, tenths.find('.') + 2);
}

WallTime chain_end(TlsPeer const& peer) {
    auto const sooner = [](auto const& a, auto const& b) { return a.not_after < b.not_after; };
    return std::min_element(peer.chain.begin(), peer.chain.end(), sooner)->not_after;
}

struct SavedCertificate {
    std::string of;  // the server; another's certificate is not this one's
    WallTime leaf_end;
    WallTime chain_end;
};
BOOST_DESCRIBE_STRUCT(SavedCertificate, (), (of, leaf_end, chain_end))

class TlsProbe final : public Probe {
public:
    TlsProbe(DialTarget target, ProbeContext const& context)
        : target_(std::move(target)), dialer_(context.dialer), clock_(context.clock) {}

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto const connection = co_await dialer_.dial(target_, timeout);
        co_return connection ? seen(*connection->peer()) : unseen(connection.error());
    }

    Json save() const override {
        if (!leaf_end_) return nullptr;
        return to_json(SavedCertificate{server(), *leaf_end_, *chain_end_});
    }
    void resume(Json const& saved) override {
        auto const known = read_json<SavedCertificate>(saved);
        if (!known || known->of != server()) return;
        leaf_end_ = known->leaf_end;
        chain_end_ = known->chain_end;
    }

private:
    std::string server() const {
        return target_.host + ":" + std::to_string(target_.port) + " " + target_.tls->server_name;
    }

    ProbeAnswer seen(TlsPeer const& peer) {
        leaf_end_ = peer.leaf.not_after;
        chain_end_ = chain_end(peer);
        std::string reason;
        for (auto const& problem : peer.problems)
            reason += (reason.empty() ? "tls: " : "; ") + problem;
        ProbeAnswer answer;
        answer.value = gauge(reason, peer.problems.empty());
        answer.note = std::move(reason);
        return answer;
    }

    ProbeAnswer unseen(NetFailure const& failure) const {
        ProbeAnswer answer;
        answer.note = failure.reason();
        // The certificate last seen runs on whether or not the server answers just now.
        if (leaf_end_)
            answer.value =
                gauge(failure.reason() + "; counted from the certificate last seen", std::nullopt);
        return answer;
    }

    GaugeValue gauge(std::string const& problem, std::optional<bool> verifies) const {
        auto const now = clock_.now().wall;
        auto const leaf = days_until(*leaf_end_, now);
        auto const chain = days_until(*chain_end_, now);
        auto reason = "leaf " + shown(leaf) + " days, chain " + shown(chain) + " days";
        if (!problem.empty()) reason = problem + " (" + reason + ")";
        return GaugeValue{std::min(leaf, chain), std::move(reason), verifies};
    }

    DialTarget target_;
    Dialer& dialer_;
    Clock const& clock_;
    std::optional<WallTime> leaf_end_;
    std::optional<WallTime> chain_end_;
};

/// A file's certificates: what is on disk may be newer than what a server still shows.
class PemProbe final : public Probe {
public:
    PemProbe(std::string path, ProbeContext const& context)
        : path_(std::move(path)), context_(context), place_(context) {}

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto job = [path = path_] { return read_file(path, pem_bytes_max); };
        auto const text = co_await place_.look(std::move(job), timeout);
        if (!text) co_return unknown_answer(trouble_of(text.error()));
        auto const found = read_certificates(*text);
        if (!found) co_return unknown_answer("content: " + found.error().what + " in " + path_);
        auto const now = context_.clock.now().wall;
        auto const& leaf = found->front();
        auto end = leaf.not_after;
        for (auto const& one : *found) end = std::min(end, one.not_after);
        auto const days = days_until(end, now);
        std::string problem;
        if (days < 0) problem = "tls: expired: ";
        if (leaf.not_before > now) problem = "tls: not_yet_valid: ";
        GaugeValue gauge;
        gauge.value = days;
        gauge.ok = problem.empty();
        gauge.reason = problem + "leaf " + shown(days_until(leaf.not_after, now)) +
                       " days, chain " + shown(days) + " days";
        co_return answer_with(std::move(gauge));
    }

private:
    static constexpr std::size_t pem_bytes_max = 1024 * 1024;
    std::string path_;
    ProbeContext context_;
    Place place_;
};

std::unique_ptr<Probe> make_tls(SignalPolicy const& signal, ProbeContext const& context) {
    Json const params(signal.params);
    if (auto file = text_of(params, "file"); !file.empty()) {
        return std::make_unique<PemProbe>(std::move(file), context);
    }
    auto target = *parse_address(text_of(params, "address"));
    target.prologue = starttls_prologue(text_of(params, "starttls"));
    TlsOptions options;
    options.ca_file = text_of(params, "ca");
    options.server_name = text_of(params, "server_name");
    options.enforce = false;  // recorded, not enforced: a bad certificate has days left, too
    target.tls = std::move(options);
    return std::make_unique<TlsProbe>(std::move(target), context);
}

}  // namespace

ProbeType tls_probe() { return ProbeType{tls_info(), &check_tls, &make_tls}; }

}  // namespace rollbackd
