#include "triggers/sources/follow.hpp"

#include <algorithm>
#include <utility>

namespace rollbackd {

struct FileFollower::File {
    Fd fd;
    FileFacts facts;           // as of the last look
    std::uint64_t offset = 0;  // after the last line handed out
    std::string ahead;         // read from `offset` on, not handed out yet
    std::size_t searched = 0;  // bytes of `ahead` that hold no newline
    bool skipping = false;
    std::string head;                   // the first bytes, as long as known
    bool rotated = false;               // its name leads elsewhere
    std::optional<Instant> idle_since;  // rotated, and nothing new since
};

namespace {

constexpr int resume_attempts_max = 5;

// Where the line begins that is being written at the end of the file: at its very first start a
// follower hands out that one whole once it is complete.
std::uint64_t start_of_last_line(Fd const& file, std::uint64_t size, bool& skipping) {
    std::uint64_t const from = size - std::min<std::uint64_t>(size, line_bytes_max);
    auto const tail = read_at(file, from, static_cast<std::size_t>(size - from));
    auto const newline = tail ? tail->rfind('\n') : std::string::npos;
    if (newline != std::string::npos) return from + newline + 1;
    skipping = from > 0;
    return from > 0 ? size : 0;
}

bool begin_alike(std::string_view a, std::string_view b) {
    auto const both = std::min(a.size(), b.size());
    return a.substr(0, both) == b.substr(0, both);
}

// Whether a file that begins so can be a copy of one that begins like `original`. A copy may be
// shorter while it is being made, never longer: half a line at the head of a new log is the
// beginning of every line of that day.
bool can_be_copy(std::string_view copy, std::string_view original) {
    return !copy.empty() && original.starts_with(copy);
}

// Which files stand where just now.
std::vector<std::pair<std::string, std::uint64_t>> names_and_inodes(std::string const& path) {
    std::vector<std::pair<std::string, std::uint64_t>> all;
    auto const current = facts_of(path);
    all.emplace_back(path, current ? current->inode : 0);
    for (auto const& sibling : siblings_of(path)) {
        all.emplace_back(sibling.path, sibling.facts.inode);
    }
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace

FileFollower::FileFollower(std::string path) : path_(std::move(path)), from_end_(true) {
    // What was rotated away before the first start is none of ours.
    for (auto const& sibling : siblings_of(path_)) {
        if (!sibling.numbered) continue;
        auto const file = open_to_read(sibling.path);
        if (!file) continue;
        auto const head = read_at(*file, 0, fingerprint_bytes_max);
        if (!head) continue;
        remember(position_of(sibling.facts, sibling.facts.size, false, *head));
    }
    look_for_rotation();
}

FileFollower::FileFollower(std::string path, FollowPosition const& saved)
    : path_(std::move(path)), from_end_(saved.from_end) {
    // A rotation in the very middle of the search would show some files twice and others never.
    for (int attempt = 0; attempt < resume_attempts_max; ++attempt) {
        auto const before = names_and_inodes(path_);
        files_.clear();
        lost_ = 0;
        resume(saved);
        if (names_and_inodes(path_) == before) break;
    }
    look_for_rotation();
}

FileFollower::~FileFollower() = default;
FileFollower::FileFollower(FileFollower&&) noexcept = default;
FileFollower& FileFollower::operator=(FileFollower&&) noexcept = default;

void FileFollower::resume(FollowPosition const& saved) {
    done_ = saved.done;
    for (auto const& position : saved.files) {
        auto found = find_file(path_, position);
        bool const newest = &position == &saved.files.back();
        if (!found) {
            if (newest) {
                ++lost_;
                open_missed(position.modified, files_.size());
            }
            continue;
        }
        bool const twice = std::any_of(files_.begin(), files_.end(), [&](auto const& other) {
            return other->facts.same_file(found->facts);
        });
        if (twice) {
            if (newest) open_missed(position.modified, files_.size());
            continue;
        }
        auto file = std::make_unique<File>();
        file->fd = std::move(found->fd);
        file->facts = found->facts;
        file->offset = position.offset;
        file->skipping = position.skipping;
        file->head = std::move(found->head);
        auto const current = facts_of(path_);
        file->rotated = !current || !current->same_file(file->facts);
        bool const rotated = file->rotated;
        file->facts.modified = position.modified;
        files_.push_back(std::move(file));
        // Since the save, not since its last change: writers that reopen late still write to it
        // when the next file is already there.
        if (newest && rotated) open_missed(position.modified, files_.size());
    }
}

// Files that were written and rotated away between two looks (while the daemon was down, mostly),
// put in before files_[place], oldest first.
void FileFollower::open_missed(std::int64_t modified_since, std::size_t place) {
    for (auto const& sibling : siblings_of(path_)) {
        // An empty one is a copy that is only just being made, or holds nothing.
        if (!sibling.numbered || sibling.facts.size == 0 ||
            sibling.facts.modified < modified_since || known(sibling.facts, sibling.path) ||
            files_.size() >= followed_files_max) {
            continue;
        }
        auto opened = open_to_read(sibling.path);
        if (!opened) continue;
        auto file = std::make_unique<File>();
        file->fd = std::move(*opened);
        file->facts = sibling.facts;
        file->rotated = true;
        refresh_head(*file);
        files_.insert(files_.begin() + std::ptrdiff_t(place++), std::move(file));
    }
}

// Whether the file is being read, or was: by its inode, and by its content where rotation copies.
bool FileFollower::known(FileFacts const& facts, std::string const& path) const {
    auto const opened = open_to_read(path);
    auto const head =
        opened ? read_at(*opened, 0, fingerprint_bytes_max) : Result<std::string>(std::string());
    for (auto const& file : files_) {
        if (file->facts.same_file(facts)) return true;
        refresh_head(*file);
        if (head && can_be_copy(*head, file->head)) return true;
    }
    return std::any_of(done_.begin(), done_.end(), [&](FilePosition const& position) {
        // A short beginning proves little; then the length must be the same too.
        bool const is_long = position.fingerprint_bytes == fingerprint_bytes_max;
        if (!is_long && position.offset != facts.size) return false;
        FilePosition whole = position;
        whole.offset = 0;
        return open_if(path, whole, position.fingerprint_bytes == 0).has_value();
    });
}

void FileFollower::refresh_head(File& file) {
    auto head = read_at(file.fd, 0, fingerprint_bytes_max);
    if (head && head->starts_with(file.head)) file.head = std::move(*head);
}

void FileFollower::look_for_rotation() {
    auto const current = facts_of(path_);
    missing_ = !current && current.error().code == Errc::not_found;
    if (missing_) from_end_ = false;
    if (!current) {
        problem_ = to_string(current.error());
        return;
    }
    problem_.clear();
    if (files_.empty() || !files_.back()->facts.same_file(*current)) {
        open_current();
    } else if (std::exchange(files_.back()->rotated, false)) {  // moved away, and back
        files_.back()->idle_since.reset();
    }
}

// The name leads to another file than before, or to the first one ever.
void FileFollower::open_current() {
    auto opened = open_to_read(path_);
    auto const facts =
        opened ? facts_of(*opened) : Result<FileFacts>(tl::unexpected<Error>(opened.error()));
    if (!facts) {
        problem_ = to_string(facts.error());
        return;
    }
    for (auto& file : files_) file->rotated = true;
    auto const tracked = std::find_if(files_.begin(), files_.end(), [&](auto const& file) {
        return file->facts.same_file(*facts);
    });
    if (tracked != files_.end()) {  // moved back under its name by hand
        (*tracked)->rotated = false;
        (*tracked)->idle_since.reset();
        std::rotate(tracked, tracked + 1, files_.end());
        return;
    }
    auto file = std::make_unique<File>();
    file->fd = std::move(*opened);
    file->facts = *facts;
    if (from_end_) {
        file->offset = start_of_last_line(file->fd, facts->size, file->skipping);
    }
    from_end_ = false;
    // Known from now on by its beginning: it may be rotated before anything was read.
    refresh_head(*file);
    forget_copy_of(*file);
    files_.push_back(std::move(file));
    // Only now: whatever was moved away while this one was opened is found beside it.
    if (files_.size() > 1) {
        open_missed(files_[files_.size() - 2]->facts.modified, files_.size() - 1);
    }
}

// A copy whose original is still there, to be truncated next: the original will be read.
void FileFollower::forget_copy_of(File const& original) {
    std::erase_if(files_, [&](auto const& file) {
        return file->rotated && file->offset == 0 && file->ahead.empty() &&
               can_be_copy(file->head, original.head);
    });
}

FileFollower::Batch FileFollower::read_batch(
    std::size_t lines_max, Instant now, Accept const& accept
) {
    Batch batch;
    look_for_rotation();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < files_.size(); ++i) {
        while (true) {
            if (take_lines(*files_[i], batch, lines_max, accept) || bytes > batch_bytes_max) {
                batch.more = true;
                return batch;
            }
            auto const known_files = files_.size();
            if (!refill(*files_[i])) break;
            // A file was put in before this one: its rest comes first.
            if (files_.size() != known_files) continue;
            bytes += files_[i]->ahead.size();
            files_[i]->idle_since.reset();
        }
    }
    retire(now, batch);
    return batch;
}

// Reads on; false at the end. Only called when `ahead` holds no whole line.
bool FileFollower::refill(File& file) {
    std::uint64_t const at = file.offset + file.ahead.size();
    auto chunk = read_at(file.fd, at, read_chunk_bytes);
    auto const facts = facts_of(file.fd);
    auto head = read_at(file.fd, 0, fingerprint_bytes_max);
    if (!chunk || !facts || !head) {
        problem_ = to_string(!chunk ? chunk.error() : !facts ? facts.error() : head.error());
        return false;
    }
    auto const modified_before = file.facts.modified;
    bool const was_empty = file.head.empty();
    // Looked at after the chunk was read: where the beginning is still the same, so was the rest.
    std::uint64_t const end = at + chunk->size();
    bool const replaced = !head->starts_with(file.head) || facts->size < end ||
                          head->size() < std::min<std::uint64_t>(fingerprint_bytes_max, end) ||
                          (at == 0 && !begin_alike(*chunk, *head));
    if (replaced) replaced_in_place(file);
    file.facts = *facts;
    // Before looking beside it: a copy of what was just read must be known for one.
    file.head = std::move(*head);
    bool const was_written = !file.head.empty() || facts->modified != modified_before;
    if (!file.rotated && (replaced || (was_empty && was_written))) {
        // Perhaps truncated more than once since the last look: what stood there in between.
        open_missed(modified_before, index_of(file));
    }
    if (replaced) return true;
    file.ahead += *chunk;
    return !chunk->empty();
}

std::size_t FileFollower::index_of(File const& file) const {
    auto const found = std::find_if(files_.begin(), files_.end(), [&](auto const& other) {
        return other.get() == &file;
    });
    return static_cast<std::size_t>(found - files_.begin());
}

// Truncated, and perhaps written anew already. What was not read of the old content is in the copy
// that rotation made of it, if it made one.
void FileFollower::replaced_in_place(File& file) {
    auto const position = position_of(file.facts, file.offset, file.skipping, file.head);
    auto found = find_copy(path_, position);
    if (found) {
        auto copy = std::make_unique<File>();
        copy->fd = std::move(found->fd);
        copy->facts = found->facts;
        copy->offset = file.offset;
        copy->skipping = file.skipping;
        copy->head = file.head;
        copy->rotated = true;
        files_.insert(files_.begin() + std::ptrdiff_t(index_of(file)), std::move(copy));
    } else if (!file.head.empty()) {
        remember(position);
    }
    file.offset = 0;
    file.ahead.clear();
    file.searched = 0;
    file.skipping = false;
    file.head.clear();
}

// Moves whole lines into the batch; true where a limit stopped it, or `accept`.
bool FileFollower::take_lines(
    File& file, Batch& batch, std::size_t lines_max, Accept const& accept
) {
    std::size_t begin = 0;
    bool full = false;
    while (true) {
        // A writer that does not append leaves a hole where a truncated file was.
        while (file.searched == begin && begin < file.ahead.size() && file.ahead[begin] == '\0') {
            file.searched = ++begin;
        }
        auto const newline = file.ahead.find('\n', file.searched);
        if (newline == std::string::npos) {
            file.searched = file.ahead.size();
            break;
        }
        full = batch.lines.size() >= lines_max;
        if (full) break;
        std::size_t const length = newline - begin;
        if (!file.skipping && length <= line_bytes_max) {
            bool const carriage_return = length > 0 && file.ahead[newline - 1] == '\r';
            auto line = file.ahead.substr(begin, length - (carriage_return ? 1 : 0));
            full = accept && !accept(line);
            if (full) break;
            batch.lines.push_back(std::move(line));
        } else if (!file.skipping) {
            ++too_long_;
        }
        file.skipping = false;
        begin = file.searched = newline + 1;
    }
    file.offset += begin;
    file.ahead.erase(0, begin);
    file.searched -= begin;
    if (!full && file.ahead.size() > line_bytes_max) {
        if (!file.skipping) ++too_long_;
        file.skipping = true;
    }
    if (!full && file.skipping) {
        file.offset += file.ahead.size();
        file.ahead.clear();
        file.searched = 0;
    }
    return full;
}

// Lets go of rotated files that have been quiet for long enough.
void FileFollower::retire(Instant now, Batch& batch) {
    for (std::size_t i = 0; i < files_.size();) {
        auto& file = *files_[i];
        if (!file.rotated) {
            ++i;
            continue;
        }
        if (!file.idle_since) file.idle_since = now;
        if (now - *file.idle_since < rotated_grace && files_.size() <= followed_files_max) {
            ++i;
            continue;
        }
        // A last line without a newline: nobody will end it any more.
        if (!file.ahead.empty()) batch.lines.push_back(file.ahead);
        remember(position_of(file.facts, file.offset + file.ahead.size(), file.skipping, file.head)
        );
        files_.erase(files_.begin() + std::ptrdiff_t(i));
    }
}

bool FileFollower::is_over(Instant now, Batch& batch) {
    if (!missing_) return false;
    for (auto& file : files_) file->rotated = true;
    retire(now, batch);
    return files_.empty();
}

std::optional<FilePosition> FileFollower::let_go(FileFacts const& facts) {
    auto const current = facts_of(path_);
    if (current && current->same_file(facts)) return std::nullopt;
    for (auto const& file : files_) {
        if (!file->facts.same_file(facts)) continue;
        auto position = position_of(file->facts, file->offset, file->skipping, file->head);
        remember(position);
        files_.erase(files_.begin() + std::ptrdiff_t(index_of(*file)));
        return position;
    }
    auto const done = std::find_if(done_.rbegin(), done_.rend(), [&](FilePosition const& known) {
        return known.device == facts.device && known.inode == facts.inode;
    });
    return done == done_.rend() ? std::nullopt : std::optional(*done);
}

void FileFollower::remember(FilePosition position) {
    done_.push_back(std::move(position));
    if (done_.size() > done_files_max) done_.erase(done_.begin());
}

FollowPosition FileFollower::save() const {
    FollowPosition position;
    for (auto const& file : files_) {
        position.files.push_back(position_of(file->facts, file->offset, file->skipping, file->head)
        );
    }
    position.done = done_;
    position.from_end = from_end_;
    return position;
}

}  // namespace rollbackd
