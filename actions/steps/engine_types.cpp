// wait_until, notify and manual: the engine carries them out, nothing of this machine is touched.
#include "actions/steps/descriptor.hpp"

namespace rollbackd {

namespace {

TypeInfo wait_until_info() {
    TypeInfo info;
    info.name = "wait_until";
    info.doc = "Waits until a condition over the service's signals holds; failed at the limit.";
    info.fields = {
        {.name = "until", .type = FieldType::condition, .doc = "What must hold.", .required = true},
        {.name = "within",
         .type = FieldType::duration,
         .doc = "How long it may take.",
         .required = true},
    };
    info.idempotent = true;
    return info;
}

TypeInfo notify_info() {
    TypeInfo info;
    info.name = "notify";
    info.doc = "Sends a message to a channel, through the outbox.";
    info.fields = {
        {.name = "to", .type = FieldType::text, .doc = "A channel of `notify`.", .required = true},
        {.name = "text", .type = FieldType::text, .doc = "What it says.", .required = true},
    };
    info.idempotent = true;
    return info;
}

TypeInfo manual_info() {
    TypeInfo info;
    info.name = "manual";
    info.doc = "Shows an instruction and waits until a person confirms that it is done.";
    info.fields = {
        {.name = "say",
         .type = FieldType::text,
         .doc = "What the person must do, in words or as exact commands.",
         .required = true},
        {.name = "deadline",
         .type = FieldType::duration,
         .doc = "How long it may take; passed, it is escalated."},
    };
    return info;
}

std::string dry_wait(Step const& step) {
    auto const params = Json(step.params);
    return "wait until " + text_of(params, "until");
}

std::string dry_notify(Step const& step) {
    auto const params = Json(step.params);
    return "tell " + text_of(params, "to") + ": " + text_of(params, "text");
}

std::string dry_manual(Step const& step) {
    return "ask a person: " + text_of(Json(step.params), "say");
}

/// A person may install what is missing as well.
Effect by_hand(Step const& step) {
    auto out = brings_anything(step);
    out.brings.grounds.tools = true;
    return out;
}

}  // namespace

StepType wait_until_step() {
    return {.info = wait_until_info(), .dry_run = dry_wait, .effect = brings_services};
}
StepType notify_step() { return {.info = notify_info(), .dry_run = dry_notify}; }
StepType manual_step() { return {.info = manual_info(), .dry_run = dry_manual, .effect = by_hand}; }

}  // namespace rollbackd
