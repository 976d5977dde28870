#include "triggers/client_book.hpp"

#include "triggers/id_book.hpp"
#include "triggers/pack.hpp"

#include <algorithm>

namespace rollbackd {

std::size_t ClientBook::position_after(Instant when) const {
    auto const found =
        std::upper_bound(marks_.begin(), marks_.end(), when, [](Instant at, Mark const& mark) {
            return at < mark.at;
        });
    return static_cast<std::size_t>(found - marks_.begin());
}

void ClientBook::add(Instant at, std::string_view client, bool failing) {
    auto const position = position_after(at);
    if (position < marks_.size()) cursors_.clear();  // late: positions move
    marks_.insert(
        marks_.begin() + std::ptrdiff_t(position), Mark{at, stable_hash(client), failing}
    );
    if (marks_.size() > limit) {
        marks_.erase(marks_.begin(), marks_.begin() + std::ptrdiff_t(limit / 8));
        cursors_.clear();
    }
}

void ClientBook::expire(Instant horizon) {
    auto const gone = position_after(horizon);
    if (gone == 0) return;
    marks_.erase(marks_.begin(), marks_.begin() + std::ptrdiff_t(gone));
    cursors_.clear();
}

void ClientBook::enter(Cursor& cursor, Mark const& mark) const {
    auto& visits = cursor.visits[mark.client];
    if (++visits.all == 1) ++cursor.clients.seen;
    if (mark.failing && ++visits.failing == 1) ++cursor.clients.failing;
}

void ClientBook::leave(Cursor& cursor, Mark const& mark) const {
    auto const entry = cursor.visits.find(mark.client);
    if (mark.failing && --entry->second.failing == 0) --cursor.clients.failing;
    if (--entry->second.all > 0) return;
    --cursor.clients.seen;
    cursor.visits.erase(entry);
}

Clients ClientBook::count(Range range) const {
    if (marks_.empty() || range.from >= range.to) return {};
    auto const length = range.to - range.from;
    auto cursor = std::find_if(cursors_.begin(), cursors_.end(), [&](Cursor const& known) {
        return known.range.to - known.range.from == length && known.range.to <= range.to;
    });
    if (cursor == cursors_.end()) {
        if (cursors_.size() == cursors_max) cursors_.erase(cursors_.begin());
        Cursor made;
        made.begin = made.end = position_after(range.from);
        made.range = range;
        cursor = cursors_.insert(cursors_.end(), std::move(made));
    }
    auto const begin = position_after(range.from);
    auto const end = position_after(range.to);
    while (cursor->end < end) enter(*cursor, marks_[cursor->end++]);
    while (cursor->begin < begin) leave(*cursor, marks_[cursor->begin++]);
    cursor->range = range;
    return cursor->clients;
}

void ClientBook::save(Packer& packer) const {
    packer.number(marks_.size());
    for (auto const& mark : marks_) {
        packer.instant(mark.at);
        packer.number(mark.client);
        packer.number(mark.failing ? 1 : 0);
    }
}

void ClientBook::load(Unpacker& unpacker) {
    cursors_.clear();
    marks_.resize(unpacker.count(limit));
    Instant previous = Instant::min();
    for (auto& mark : marks_) {
        mark.at = unpacker.instant();
        mark.client = unpacker.number();
        mark.failing = unpacker.count(1) == 1;
        if (mark.at < previous) unpacker.refuse();
        previous = mark.at;
    }
}

void ClientBook::shift(Duration by) {
    cursors_.clear();
    for (auto& mark : marks_) mark.at += by;
}

}  // namespace rollbackd
