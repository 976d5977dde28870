// Every file that a path or a pattern (/var/log/nginx/*.log) means, each followed as follow.hpp
// does, and what their lines say as one stream in the order of its times. Used by the access_log
// and log sources; knows nothing of what a line means.
#pragma once

#include "triggers/sources/follow.hpp"
#include "triggers/sources/source.hpp"

#include <map>
#include <set>

namespace rollbackd {

inline constexpr std::size_t log_files_max = 256;  // followed at once, of one pattern
inline constexpr std::size_t gone_files_max = 64;  // remembered after they went
/// How often is looked for files that came.
inline constexpr Duration log_files_look_every = std::chrono::milliseconds(200);

class LogFiles {
public:
    /// What a line says; a sample is set where the answer is LineFate::sample. A line may be asked
    /// about twice, and is counted when it is taken.
    using Read = std::function<LineFate(std::string const& line, Sample& sample)>;

    /// Whether what `saved` tells of can be looked for at all just now: what lies on a mount that
    /// answers with errors is not gone.
    static Result<void> visible(std::string const& path, Json const& saved);

    /// `saved`: of save(), for the same path; null: what is there now counts from its end. A file
    /// of the pattern that comes later counts from its beginning.
    LogFiles(std::string path, Json const& saved, Instant now);

    /// At most source_batch_max samples, or none. Of several files the oldest come first, so that
    /// catching up makes none of them late. caught_up() says whether to wait now.
    std::vector<Sample> read(Now now, Read const& read);

    /// Exactly after what was handed out so far: members to be saved beside the path.
    JsonObject save() const;
    SourceStatus status() const;
    bool caught_up() const { return counted_.caught_up; }
    /// What to watch for changes.
    std::vector<std::string> paths() const;

private:
    using Files = std::map<std::string, FileFollower>;
    struct Taking;

    void look(Instant now, bool first);
    void admit(std::string const& path, bool first);
    bool is_rotated(std::string const& path, std::vector<std::string> const& all) const;
    bool has_second_name(FileFacts const& facts) const;
    std::optional<FilePosition> place_of(std::string const& path, FileFacts const& facts);
    void merge(Taking& taking);
    void end_those_gone(Taking& taking);

    std::string path_;
    bool is_pattern_ = false;
    Files files_;
    std::vector<FilePosition> gone_;
    std::optional<Instant> looked_at_;
    std::set<std::string> rotated_;  // fit the pattern, and are another file's past
    bool too_many_ = false;
    SourceStatus counted_;
    std::uint64_t lost_ = 0;  // of files that went
};

}  // namespace rollbackd
