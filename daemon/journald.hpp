// systemd's journal, spoken to directly: an entry is one datagram of FIELD=VALUE lines, so that
// `journalctl ROLLBACKD_INCIDENT=INC-7` finds what a line of text would only hold.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollbackd {

/// One entry: MESSAGE, PRIORITY and ROLLBACKD_… for the event and each key.
std::string journald_entry(
    int priority, std::string_view line, std::string_view event,
    std::vector<std::pair<std::string_view, std::string>> const& fields
);

/// Whether what is written to stderr goes to the journal: `stream` is JOURNAL_STREAM, which a
/// process may have inherited from one whose stderr did.
bool is_journal(char const* stream, int fd);

class JournaldSocket {
public:
    JournaldSocket();
    ~JournaldSocket();
    JournaldSocket(JournaldSocket const&) = delete;
    JournaldSocket& operator=(JournaldSocket const&) = delete;

    /// Never waits. False: not taken; say it on stderr.
    bool send(std::string_view entry) const;

private:
    int fd_ = -1;
};

}  // namespace rollbackd
