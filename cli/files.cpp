#include "cli/files.hpp"

#include "cli/text.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace rollbackd::cli {

Outcome<std::string> read_whole(std::string const& path, std::size_t bytes_max) {
    std::ifstream file(path, std::ios::binary);
    std::string text(bytes_max + 1, '\0');
    if (!file || !file.read(text.data(), std::streamsize(text.size())).eof()) {
        return refuse(
            clean(path) + ": cannot be read; name a file of at most " +
            std::to_string(bytes_max / 1024) + " KiB"
        );
    }
    text.resize(std::size_t(file.gcount()));
    return text;
}

Outcome<Exit> write_new(std::string const& path, std::string const& text) {
    int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST) {
        return refuse(clean(path) + ": exists already and is left alone; name another file");
    }
    if (fd < 0) {
        return refuse(
            clean(path) + ": cannot be written: " + std::strerror(errno) + "; name another file"
        );
    }
    std::string_view rest = text;
    while (!rest.empty()) {
        auto const written = ::write(fd, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    int const problem = errno;
    bool const closed = ::close(fd) == 0;
    if (!rest.empty() || !closed) {
        (void)::unlink(path.c_str());  // half a policy is worse than none
        return refuse(clean(path) + ": cannot be written: " + std::strerror(problem));
    }
    return Exit::done;
}

}  // namespace rollbackd::cli
