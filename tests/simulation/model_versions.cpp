// Which version belongs to a backup: the one that was in effect at its time, by what the journal
// says of deployments and rollbacks; never one that is bad, and none where nobody can tell.
#include "tests/simulation/model.hpp"

#include <algorithm>

namespace rollbackd::simulation {

void Model::note_live(BookService& service, std::string const& version, WallTime from, bool good) {
    service.live.push_back({version, from, good && service.live.empty()});
    std::stable_sort(service.live.begin(), service.live.end(), [](auto const& a, auto const& b) {
        return a.from < b.from;
    });
}

void Model::note_deployed(BookService& service, Json const& deployment) {
    auto const* const at = find(*find(deployment, "started_at"), "wall");
    auto const from = parse_rfc3339(at->get_string());
    note_live(
        service, word(deployment, "version"), from.value_or(wall_), flag(deployment, "known_good")
    );
}

std::string Model::belongs_to(BookService const& service, BackupTime const& time) {
    std::set<std::string> versions;
    std::string before;
    for (auto const& live : service.live) {
        if (live.from <= time.from || (live.or_before && &live == &service.live.front())) {
            before = live.version;
        } else if (live.from <= time.to) {
            versions.insert(live.version);
        }
    }
    versions.insert(before);
    if (versions.size() > 1 || before.empty()) return {};
    auto const known = service.versions.find(before);
    bool const bad = known != service.versions.end() && known->second.standing == "bad";
    return bad ? std::string() : before;
}

void Model::judge_backup(BookRun& found, BookStep const& step, Json const& body) {
    auto const* const as_of = find(body, "as_of");
    if (word(body, "state") != "done" || as_of == nullptr || as_of->is_null()) return;
    BackupTime time;
    from_json(*as_of, time);
    require(
        step.restored == time, "6", found.id + " has not restored the backup that it says it has"
    );
    found.belongs = belongs_to(services_[found.service], time);
    auto const version = word(body, "version");
    require(
        version == found.belongs, "3",
        found.id + " calls " + version + " the version of its backup, which is " + found.belongs
    );
    if (!version.empty()) found.target = version;
}

// Another that began after it is in effect, or will be when a run has ended: recorded late, it is
// history. When a version that was called known-good was deployed, nobody has said.
bool Model::overtaken(BookService const& service, BookDeployment const& made) {
    for (auto const& name : {service.current, service.waiting}) {
        for (auto at = service.deployments.rbegin(); at != service.deployments.rend(); ++at) {
            if (name.empty() || at->version != name) continue;
            if (!at->known_good && at->started >= made.started + std::chrono::seconds(1)) {
                return true;
            }
            break;
        }
    }
    return false;
}

void Model::on_version(std::string const& kind, Json const& body) {
    auto& service = services_[word(body, "service")];
    auto const version = word(body, "version");
    if (kind == "version.quarantined") {
        service.versions[version].standing = "bad";
    } else {
        service.versions[version].standing = service.current == version ? "baking" : "superseded";
        service.undone.erase(version);
    }
}

}  // namespace rollbackd::simulation
