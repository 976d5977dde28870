#include "actions/notify/registry.hpp"

#include "actions/notify/descriptor.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

std::vector<NotifierType> const& notifier_types() {
    static std::vector<NotifierType> const types{webhook_notifier(),   exec_notifier(),
                                                 pagerduty_notifier(), alertmanager_notifier(),
                                                 smtp_notifier(),      status_file_notifier()};
    return types;
}

}  // namespace

std::vector<TypeInfo> notifier_catalogue() {
    std::vector<TypeInfo> infos;
    for (auto const& type : notifier_types()) infos.push_back(type.info);
    return infos;
}

std::vector<std::string> later_notifier_types() { return {}; }

NotifierType const* find_notifier_type(std::string_view name) {
    auto const& types = notifier_types();
    auto const found = std::find_if(types.begin(), types.end(), [&](NotifierType const& type) {
        return type.info.name == name;
    });
    return found == types.end() ? nullptr : &*found;
}

}  // namespace rollbackd
