// Promise 2: never two actors. Who holds the lease is told by the store as each is granted, so an
// append or a process of anybody else is one too many, whatever that one believes.
#include "tests/simulation/model.hpp"

namespace rollbackd::simulation {

void Model::lease_taken(int node) {
    written();  // what the one before has written, though it never heard so
    holder_ = node;
    ++holders_;
}

void Model::judge_writer(Disk::Batch const& batch) {
    if (!holder_) return;
    require(
        batch.node == *holder_, "2",
        "node " + std::to_string(batch.node) + " wrote, and node " + std::to_string(*holder_) +
            " holds the lease"
    );
    for (auto i = batch.first; i < batch.first + batch.count; ++i) {
        require(
            disk_.records()[i].epoch == holders_, "2",
            "record " + std::to_string(i + 1) + " carries a stale epoch"
        );
    }
}

void Model::judge_actor(Process const& process) {
    auto const name = process.run + " step " + std::to_string(process.n);
    if (holder_) {
        require(
            process.node == *holder_, "2",
            name + " started by node " + std::to_string(process.node) + ", and node " +
                std::to_string(*holder_) + " holds the lease"
        );
    }
    auto& live = live_[process.run];
    require(live.empty(), "2", name + " started while another process of its run lives");
    live.emplace(process.n, process.attempt);
}

void Model::process_gone(Process const& process) {
    live_[process.run].erase({process.n, process.attempt});
}

}  // namespace rollbackd::simulation
