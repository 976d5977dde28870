#include "core/io/net_failure.hpp"

namespace rollbackd {

Error NetFailure::error(std::string where) const {
    Errc code = Errc::unavailable;
    switch (fault) {
        case NetFault::timeout:
            code = Errc::timeout;
            break;
        case NetFault::invalid:
            code = Errc::invalid;
            break;
        case NetFault::cancelled:
            code = Errc::cancelled;
            break;
        case NetFault::too_large:
            code = Errc::too_large;
            break;
        case NetFault::dns:
        case NetFault::refused:
        case NetFault::unreachable:
        case NetFault::tls:
        case NetFault::closed:
        case NetFault::garbage:
        case NetFault::redirects:
            break;
    }
    return Error{code, reason(), std::move(where)};
}

}  // namespace rollbackd
