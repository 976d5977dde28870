#include "actions/steps/registry.hpp"

#include "actions/steps/infos.hpp"

namespace rollbackd {

std::vector<TypeInfo> step_catalogue() {
    std::vector<TypeInfo> types;
    types.push_back(exec_info());
    types.push_back(http_step_info());
    types.push_back(git_checkout_info());
    types.push_back(git_revert_info());
    types.push_back(systemd_info());
    types.push_back(file_edit_info());
    types.push_back(capture_evidence_info());
    types.push_back(wait_until_info());
    types.push_back(notify_info());
    types.push_back(manual_info());
    return types;
}

std::vector<std::string> later_step_types() {
    return {
        "compose",        "docker",     "pm2",          "npm",
        "migrate",        "alembic",    "prisma",       "sql",
        "redis",          "pg_backup",  "pg_restore",   "file_restore",
        "file_copy",      "copy",       "archive",      "archive_restore",
        "archive_create", "safe_mode",  "flag",         "route",
        "nginx",          "dns",        "firewall",     "certbot",
        "prune",          "truncate",   "status_page",  "rotate",
        "git_merge",      "git_branch", "pull_request", "backup",
        "service",        "scale",      "reboot",
    };
}

}  // namespace rollbackd
