#include "actions/notify/registry.hpp"

#include "actions/notify/infos.hpp"

namespace rollbackd {

std::vector<TypeInfo> notifier_catalogue() {
    std::vector<TypeInfo> types;
    types.push_back(webhook_info());
    types.push_back(exec_notifier_info());
    return types;
}

std::vector<std::string> later_notifier_types() { return {"smtp", "pagerduty", "alertmanager"}; }

}  // namespace rollbackd
