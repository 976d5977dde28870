// What makes a step type: how configuration sees it, and how it is carried out. Each type is one
// file with one function that returns its descriptor, and one line in registry.cpp.
#pragma once

#include "actions/steps/effect.hpp"
#include "actions/steps/job.hpp"
#include "core/descriptor.hpp"

namespace rollbackd {

struct StepType {
    /// Why it could not work now; changes nothing.
    using Preflight = boost::asio::awaitable<std::optional<Objection>> (*)(StepJob& job);
    /// Of a step whose end is unknown: done, failed (= not done) or unknown.
    using Settle = boost::asio::awaitable<StepOutcome> (*)(StepJob& job);
    using Run = boost::asio::awaitable<StepOutcome> (*)(StepJob& job);
    using DryRun = std::string (*)(Step const& step);
    /// What it may bring that a later step needs, whatever else it does.
    using Effects = Effect (*)(Step const& step);

    TypeInfo info;
    Run run = nullptr;  // none: the engine carries it out
    DryRun dry_run = nullptr;
    Preflight preflight = nullptr;  // none: nothing can be known before
    Settle settle = nullptr;        // none: only the step's own check can tell
    Effects effect = nullptr;       // none: no other step needs what it does
};

StepType exec_step();
StepType http_step();
StepType git_checkout_step();
StepType git_revert_step();
StepType pull_request_step();
StepType systemd_step();
StepType file_edit_step();
StepType capture_evidence_step();
StepType sql_step();
StepType pg_backup_step();
StepType pg_restore_step();
StepType redis_step();
StepType file_restore_step();
StepType rotate_step();
StepType archive_create_step();
StepType archive_restore_step();
StepType migrate_step();
StepType compose_step();
StepType pm2_step();
StepType safe_mode_step();
StepType route_step();
StepType firewall_step();
StepType copy_step();
StepType truncate_step();
StepType prune_step();
StepType backup_prune_step();
StepType certbot_step();
StepType symlink_step();
StepType image_tag_step();
StepType wait_until_step();
StepType notify_step();
StepType manual_step();

}  // namespace rollbackd
