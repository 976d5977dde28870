#include "actions/preflight.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

bool is_in(std::string_view path, std::string_view folder) {
    while (folder.ends_with('/')) folder.remove_suffix(1);
    if (!path.starts_with(folder)) return false;
    return path.size() == folder.size() || path[folder.size()] == '/';
}

bool may_bring_files(Brings const& brings, Objection const& objection) {
    if (brings.anywhere) return true;
    return std::any_of(brings.paths.begin(), brings.paths.end(), [&](std::string const& brought) {
        return std::any_of(
            objection.paths.begin(), objection.paths.end(),
            [&](std::string const& wanted) {
                return is_in(wanted, brought) || is_in(brought, wanted);
            }
        );
    });
}

}  // namespace

bool may_mend(Brings const& brings, Objection const& objection, bool same_host) {
    auto const& has = brings.grounds;
    auto const& needs = objection.needs;
    if (needs.services && has.services) return true;
    if (!same_host) return false;
    bool const files = needs.files && has.files && may_bring_files(brings, objection);
    return files || (needs.tools && has.tools) || (needs.space && has.space) ||
           (needs.images && has.images);
}

bool is_for_hands(Step const& step) {
    return step.type != "manual" && step.type != "notify" && step.type != "wait_until";
}

}  // namespace rollbackd
