#include "core/io/tls_context.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/ssl/context.hpp>

namespace rollbackd {

namespace ssl = boost::asio::ssl;

namespace {

/// What tells a changed CA file from the one that was read.
struct FileState {
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};
    bool operator==(FileState const& other) const {
        return inode == other.inode && size == other.size &&
               changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
    }
};

FileState state_of(std::string const& path) {
    struct stat status{};
    if (path.empty() || ::stat(path.c_str(), &status) != 0) return {};
    return FileState{status.st_ino, status.st_size, status.st_mtim};
}

Result<std::shared_ptr<ssl::context>> make_context(std::string const& ca_file) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    // Every handshake is a fresh one: a resumed session would show an old certificate.
    SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
    boost::system::error_code code;
    if (ca_file.empty()) {
        context->set_default_verify_paths(code);
    } else {
        context->load_verify_file(ca_file, code);
    }
    if (code)
        return fail(Errc::invalid, "cannot read the CA certificates: " + code.message(), ca_file);
    return context;
}

}  // namespace

struct TlsContexts::Entry {
    std::string ca_file;
    FileState state;
    std::shared_ptr<ssl::context> context;
};

TlsContexts::TlsContexts() = default;
TlsContexts::~TlsContexts() = default;

Result<std::shared_ptr<ssl::context>> TlsContexts::get(std::string const& ca_file) {
    auto const state = state_of(ca_file);
    auto const same_file = [&](auto const& entry) { return entry->ca_file == ca_file; };
    auto const known = std::find_if(entries_.begin(), entries_.end(), same_file);
    if (known != entries_.end() && (*known)->state == state) return (*known)->context;
    auto made = make_context(ca_file);
    if (!made) return made;
    if (known != entries_.end()) entries_.erase(known);
    if (entries_.size() >= contexts_max) entries_.erase(entries_.begin());
    entries_.push_back(std::make_unique<Entry>(Entry{ca_file, state, *made}));
    return made;
}

}  // namespace rollbackd
