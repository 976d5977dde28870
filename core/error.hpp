// The one error type: what went wrong, where, and how to mend it, as a value.
// Everything that can fail in normal operation returns Result<T>; see ensure.hpp for bugs.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace rollbackd {

enum class Errc {
    invalid,      // the input is wrong; retrying it unchanged cannot help
    not_found,    // a name that does not exist
    conflict,     // right in itself, but not in the present state
    forbidden,    // the caller may not
    unavailable,  // a resource is away for now: store, network, peer
    timeout,      // no answer in time; whether it took effect is unknown
    cancelled,    // we were told to stop
    io,           // the operating system said no
    corrupt,      // stored bytes are not what was written
    too_large,    // above a named limit
    internal,     // a surprise caught at a fence
};

struct Error {
    Errc code = Errc::internal;
    std::string what;   // one sentence for a person: what is wrong and, where known, how to mend it
    std::string where;  // file:line:column, a path, an address or a field; may be empty

    friend bool operator==(Error const&, Error const&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string what, std::string where = {}) {
    return tl::unexpected<Error>(Error{code, std::move(what), std::move(where)});
}

/// "where: what", or only "what" where no place is known.
inline std::string to_string(Error const& error) {
    return error.where.empty() ? error.what : error.where + ": " + error.what;
}

}  // namespace rollbackd
