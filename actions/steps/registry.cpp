#include "actions/steps/registry.hpp"

#include "actions/steps/descriptor.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

std::vector<StepType> const& step_types() {
    static std::vector<StepType> const types{
        exec_step(),
        http_step(),
        git_checkout_step(),
        git_revert_step(),
        pull_request_step(),
        systemd_step(),
        file_edit_step(),
        file_restore_step(),
        rotate_step(),
        symlink_step(),
        image_tag_step(),
        archive_create_step(),
        archive_restore_step(),
        sql_step(),
        pg_backup_step(),
        pg_restore_step(),
        redis_step(),
        migrate_step(),
        compose_step(),
        pm2_step(),
        safe_mode_step(),
        route_step(),
        firewall_step(),
        copy_step(),
        truncate_step(),
        prune_step(),
        backup_prune_step(),
        certbot_step(),
        capture_evidence_step(),
        wait_until_step(),
        notify_step(),
        manual_step(),
    };
    return types;
}

}  // namespace

std::vector<TypeInfo> step_catalogue() {
    std::vector<TypeInfo> infos;
    for (auto const& type : step_types()) infos.push_back(type.info);
    return infos;
}

StepType const* find_step_type(std::string_view name) {
    auto const& types = step_types();
    auto const found = std::find_if(types.begin(), types.end(), [&](StepType const& type) {
        return type.info.name == name;
    });
    return found == types.end() ? nullptr : &*found;
}

std::vector<std::string> later_step_types() {
    return {
        "docker",      "npm",       "file_copy",  "archive", "flag",        "nginx",
        "dns",         "git_merge", "git_branch", "backup",  "service",     "scale",
        "reboot",      "dump",      "restore",    "pg_dump", "pg_swap",     "feature_flag",
        "maintenance", "safe-mode", "podman",     "kubectl", "status_page",
    };
}

}  // namespace rollbackd
