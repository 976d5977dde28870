#include "core/io/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
extern "C" {  // glibc 2.36's header forgets it
#include <sys/pidfd.h>
}

namespace rollbackd {

namespace {

/// Variables a child may see of ours. Secrets live in others, NOTIFY_SOCKET would let it speak to
/// systemd in our name.
constexpr std::array inherited_names{
    "HOME", "USER", "LOGNAME",         "SHELL",  "LANG",          "LC_ALL",
    "TZ",   "TERM", "XDG_RUNTIME_DIR", "TMPDIR", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS",
};

struct Pipe {
    Fd read;
    Fd write;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Errc::io, std::strerror(errno), "pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

bool is_program(std::string const& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_program(std::string const& name) {
    if (name.find('/') != std::string::npos) return name;
    std::string_view rest = child_path;
    while (!rest.empty()) {
        auto const folder = rest.substr(0, rest.find(':'));
        rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
        auto path = std::string(folder) + "/" + name;
        if (is_program(path)) return path;
    }
    return fail(
        Errc::not_found,
        "no such program in " + std::string(child_path) + "; install it or give its full path", name
    );
}

/// The two C structs with their destructors.
struct Attributes {
    Attributes() {
        posix_spawnattr_init(&attr);
        posix_spawn_file_actions_init(&actions);
    }
    ~Attributes() {
        posix_spawnattr_destroy(&attr);
        posix_spawn_file_actions_destroy(&actions);
    }
    Attributes(Attributes const&) = delete;
    Attributes& operator=(Attributes const&) = delete;

    posix_spawnattr_t attr{};
    posix_spawn_file_actions_t actions{};
};

void set_hygiene(Attributes& to, ProcessSpec const& spec) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(&to.attr, &none);
    posix_spawnattr_setsigdefault(&to.attr, &all);
    posix_spawnattr_setpgroup(&to.attr, 0);
    int const group = spec.new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    int const flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group;
    posix_spawnattr_setflags(&to.attr, static_cast<short>(flags));
}

/// Last, so that what hangs in entering its folder has none of our descriptors.
void set_folder(Attributes& to, std::string const& folder) {
    posix_spawn_file_actions_addchdir_np(&to.actions, folder.empty() ? "/" : folder.c_str());
}

void set_stdio(Attributes& to, int input, int output, int errors) {
    auto const connect = [&](int fd, int target, int flags) {
        if (fd < 0) {
            posix_spawn_file_actions_addopen(&to.actions, target, "/dev/null", flags, 0);
        } else {
            posix_spawn_file_actions_adddup2(&to.actions, fd, target);
        }
    };
    connect(input, STDIN_FILENO, O_RDONLY);
    connect(output, STDOUT_FILENO, O_WRONLY);
    connect(errors, STDERR_FILENO, O_WRONLY);
    posix_spawn_file_actions_addclosefrom_np(&to.actions, STDERR_FILENO + 1);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

Error start_error(int code, ProcessSpec const& spec, std::string const& program) {
    if (!spec.cwd.empty() && ::access(spec.cwd.c_str(), X_OK) != 0) {
        return Error{Errc::not_found, "cannot enter the working directory", spec.cwd};
    }
    auto const kind = code == ENOENT   ? Errc::not_found
                      : code == EACCES ? Errc::forbidden
                                       : Errc::io;
    return Error{kind, std::string("cannot start: ") + std::strerror(code), program};
}

}  // namespace

std::vector<std::string> clean_environment(std::map<std::string, std::string> const& extra) {
    std::map<std::string, std::string> variables;
    for (auto const* name : inherited_names) {
        if (auto const* value = std::getenv(name)) variables[name] = value;
    }
    if (!variables.contains("LANG")) variables["LANG"] = "C.UTF-8";
    variables["PATH"] = child_path;
    for (auto const& [name, value] : extra) variables[name] = value;
    std::vector<std::string> entries;
    for (auto const& [name, value] : variables) entries.push_back(name + "=" + value);
    return entries;
}

Result<Spawned> spawn(ProcessSpec const& spec, SpawnOutput output) {
    if (spec.argv.empty()) return fail(Errc::invalid, "an empty argv names no program");
    auto const program = find_program(spec.argv[0]);
    if (!program) return tl::unexpected<Error>(program.error());

    Spawned spawned;
    Pipe in, out, err;
    auto const open = [](bool wanted, Pipe& pipe) -> Result<void> {
        if (!wanted) return {};
        auto made = make_pipe();
        if (!made) return tl::unexpected<Error>(made.error());
        pipe = std::move(*made);
        return {};
    };
    bool const piped = output == SpawnOutput::pipes;
    for (auto [wanted, pipe] :
         {std::pair(!spec.input.empty(), &in), std::pair(piped, &out),
          std::pair(piped && !spec.merge_errors, &err)}) {
        if (auto const opened = open(wanted, *pipe); !opened) {
            return tl::unexpected<Error>(opened.error());
        }
    }
    Attributes attributes;
    set_hygiene(attributes, spec);
    int const errors = spec.merge_errors ? out.write.get() : err.write.get();
    set_stdio(attributes, in.read.get(), out.write.get(), errors);
    set_folder(attributes, spec.cwd);
    auto arguments = spec.argv;
    auto environment = clean_environment(spec.env);
    int const code = posix_spawn(
        &spawned.pid, program->c_str(), &attributes.actions, &attributes.attr,
        pointers(arguments).data(), pointers(environment).data()
    );
    if (code != 0) return tl::unexpected<Error>(start_error(code, spec, *program));
    spawned.pidfd.reset(pidfd_open(spawned.pid, 0));
    if (!spawned.pidfd.is_open()) {
        // Out of descriptors: what cannot be watched must not run.
        auto what = std::string("cannot watch the new process: ") + std::strerror(errno);
        ::kill(-spawned.pid, SIGKILL);
        ::waitpid(spawned.pid, nullptr, 0);
        return fail(Errc::io, std::move(what), *program);
    }
    spawned.input = std::move(in.write);
    spawned.output = std::move(out.read);
    spawned.errors = std::move(err.read);
    return spawned;
}

void reap(int pidfd, ProcessResult& result) {
    siginfo_t info{};
    int const code = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
    if (code != 0 || info.si_pid == 0) return;
    if (info.si_code == CLD_EXITED) {
        result.exit = info.si_status;
    } else {
        result.signal = info.si_status;
    }
}

}  // namespace rollbackd
