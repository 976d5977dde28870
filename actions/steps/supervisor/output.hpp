// Output with a bound: how it began and how it ended are kept, the middle is counted and dropped.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace rollbackd {

class BoundedOutput {
public:
    /// At most `bytes_max` are kept: an eighth from the head, the rest from the tail.
    explicit BoundedOutput(std::size_t bytes_max)
        : head_max_(bytes_max / 8), tail_max_(bytes_max - bytes_max / 8) {}

    void append(std::string_view bytes) {
        auto const to_head = std::min(bytes.size(), head_max_ - head_.size());
        head_ += bytes.substr(0, to_head);
        tail_ += bytes.substr(to_head);
        // Cut rarely, not at every read: a flood costs one move per tail_max_ bytes.
        if (tail_.size() > 2 * tail_max_) cut(tail_max_);
    }

    bool is_cut() const { return dropped_ > 0 || tail_.size() > tail_max_; }

    unsigned long long total() const { return dropped_ + head_.size() + tail_.size(); }
    /// The last `bytes` of what is kept.
    std::string newest(std::size_t bytes) const {
        if (tail_.size() >= bytes) return tail_.substr(tail_.size() - bytes);
        if (dropped_ > 0) return tail_;
        auto const more = std::min(bytes - tail_.size(), head_.size());
        return head_.substr(head_.size() - more) + tail_;
    }

    std::string take() && {
        cut(tail_max_);
        if (dropped_ == 0) return head_ + tail_;
        return head_ + "\n[" + std::to_string(dropped_) + " bytes left out]\n" + tail_;
    }

private:
    void cut(std::size_t keep) {
        if (tail_.size() <= keep) return;
        dropped_ += tail_.size() - keep;
        tail_.erase(0, tail_.size() - keep);
    }

    std::size_t head_max_;
    std::size_t tail_max_;
    std::string head_;
    std::string tail_;
    unsigned long long dropped_ = 0;
};

}  // namespace rollbackd
