#include "actions/steps/effect.hpp"

#include "actions/steps/descriptor.hpp"
#include "actions/steps/registry.hpp"

#include <algorithm>

namespace rollbackd {

Effect brings_anything(Step const&) {
    Effect out;
    out.brings.grounds = {.files = true, .space = true, .services = true, .images = true};
    out.brings.anywhere = true;
    return out;
}

Effect brings_services(Step const&) {
    Effect out;
    out.brings.grounds.services = true;
    return out;
}

Effect brings_images(Step const&) {
    Effect out;
    out.brings.grounds.images = true;
    return out;
}

Effect brings_space(Step const&) {
    Effect out;
    out.brings.grounds.space = true;
    return out;
}

Effect brings_files(Step const& step, std::vector<std::string> const& fields) {
    Effect out;
    out.brings.grounds.files = true;
    for (auto const& field : fields) {
        auto path = text_of(Json(step.params), field);
        if (!path.empty()) out.brings.paths.push_back(std::move(path));
    }
    return out;
}

Effect stops_or_starts(Step const& step, std::vector<std::string> const& stopping) {
    auto const verb = text_of(Json(step.params), "do");
    Effect out;
    out.contains = std::find(stopping.begin(), stopping.end(), verb) != stopping.end();
    out.starts = !out.contains;
    out.brings.grounds.services = out.starts;
    return out;
}

Effect effect_of(Step const& step) {
    auto const* const type = find_step_type(step.type);
    return type == nullptr || type->effect == nullptr ? Effect() : type->effect(step);
}

}  // namespace rollbackd
