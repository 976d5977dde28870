// A growing file, line by line, over rotation and restarts, each line exactly once: renamed (the
// old file is read to its end first), truncated, or copied and truncated. Blocking, so it is
// called in the log's own thread (log_aside.hpp). Knows nothing of what a line means.
#pragma once

#include "triggers/sources/file_position.hpp"

#include <functional>
#include <memory>

namespace rollbackd {

inline constexpr std::size_t line_bytes_max = 1U << 20U;
inline constexpr std::size_t read_chunk_bytes = 256U << 10U;
inline constexpr std::size_t followed_files_max = 16;  // open at once: rotated ones and the log
inline constexpr std::size_t done_files_max = 16;
inline constexpr std::size_t batch_bytes_max = 4U << 20U;  // read for one batch
/// How long a rotated file may still get lines from writers that have not reopened it.
inline constexpr Duration rotated_grace = std::chrono::seconds(30);

struct FollowPosition {
    std::vector<FilePosition> files;  // oldest first; empty: there was none yet
    std::vector<FilePosition> done;   // rotated ones that were read to their end, newest last
    bool from_end = false;            // nothing was ever read: the first file counts from its end

    friend bool operator==(FollowPosition const&, FollowPosition const&) = default;
};
BOOST_DESCRIBE_STRUCT(FollowPosition, (), (files, done, from_end))

class FileFollower {
public:
    /// Begins at the file's end, or, where there is none yet, at the beginning of the one to come.
    explicit FileFollower(std::string path);
    /// Goes on where save() was taken, the rest of files rotated away meanwhile first.
    FileFollower(std::string path, FollowPosition const& saved);
    ~FileFollower();
    FileFollower(FileFollower&&) noexcept;
    FileFollower& operator=(FileFollower&&) noexcept;

    struct Batch {
        std::vector<std::string> lines;  // without their newline
        bool more = false;               // stopped by a limit: ask again before waiting
    };
    /// Asked of each complete line before it is taken; false leaves it for the next batch.
    using Accept = std::function<bool(std::string const& line)>;

    /// Complete lines that are there now, at most `lines_max`. Does not wait. `now` only measures
    /// rotated_grace. A last line that nobody will end any more is not asked about.
    Batch read_batch(std::size_t lines_max, Instant now, Accept const& accept = {});

    /// Exactly after the lines handed out so far.
    FollowPosition save() const;

    /// Why nothing can be read just now; empty where the file is open.
    std::string const& problem() const { return problem_; }
    /// Its name leads to no file just now.
    bool missing() const { return missing_; }
    /// Of a name that is missing: whether all that was there has been read and stayed quiet for
    /// rotated_grace. A last line without its end goes into the batch.
    bool is_over(Instant now, Batch& batch);
    /// Where the reading of this file stands, which has another name now; it is read no further.
    /// None: it was never read here, or still has this name.
    std::optional<FilePosition> let_go(FileFacts const& facts);
    std::uint64_t too_long() const { return too_long_; }
    std::uint64_t lost() const { return lost_; }

private:
    struct File;

    void resume(FollowPosition const& saved);
    void open_missed(std::int64_t modified_since, std::size_t place);
    std::size_t index_of(File const& file) const;
    void open_current();
    void forget_copy_of(File const& original);
    void look_for_rotation();
    bool known(FileFacts const& facts, std::string const& path) const;
    static void refresh_head(File& file);
    bool refill(File& file);
    void replaced_in_place(File& file);
    bool take_lines(File& file, Batch& batch, std::size_t lines_max, Accept const& accept);
    void retire(Instant now, Batch& batch);
    void remember(FilePosition position);

    std::string path_;
    bool from_end_ = false;
    std::vector<std::unique_ptr<File>> files_;  // oldest first; the last one is, or was, at path_
    std::vector<FilePosition> done_;
    std::string problem_;
    bool missing_ = false;
    std::uint64_t too_long_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace rollbackd
