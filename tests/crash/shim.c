/* Preloaded into the daemon and into its supervisor: counts what each does that outlives it, and
 * kills at the point that is armed. The page is shared with the campaign (points.py reads the names
 * from here).
 *
 * A point is one call of a kind: killed just before it, just after it, or, where it writes, with
 * half of it done. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
    /* of the daemon */
    store_make, /* a file of the store is made */
    wal_write,  /* a page of an append, into the write-ahead log */
    wal_sync,   /* an append becomes durable */
    base_write, /* the log is folded into the database */
    base_sync,
    folder_sync, /* a name becomes durable */
    lock_write,
    run_folder, /* the folder of a step is made */
    spec_write, /* what to run is written down */
    spec_rename,
    supervisor_start,
    run_remove, /* what a recorded step leaves behind is removed */
    message_send,
    answer_send, /* a person's call is answered */
    /* of the supervisor */
    room_take, /* for the step's end */
    mark_write,
    mark_sync,
    claim_link, /* the step is claimed */
    step_fork,
    mark_rename, /* the child's mark, the end */
    spec_remove,
    end_cut,
    kinds
};
enum side { before = 1, after = 2, torn = 3 };
enum victim { the_daemon = 1, the_supervisor = 2, the_step = 4 };

struct page {
    int32_t daemon, supervisor, step; /* pids; 0: none */
    int32_t fired;
    int32_t armed, side, victims, countdown;
    int32_t message_port, answer_port;
    int32_t counts[kinds];
};

static struct page* page;
static int is_supervisor;

static void __attribute__((constructor)) begin(void) {
    char const* const name = getenv("CRASH_PAGE");
    int const file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void* const at = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (at == MAP_FAILED) abort();
    page = at;
    is_supervisor = getenv("CRASH_SUPERVISOR") != NULL;
    unsetenv("CRASH_PAGE");
    *(is_supervisor ? &page->supervisor : &page->daemon) = getpid();
}

static void __attribute__((destructor)) end(void) {
    if (!page || !is_supervisor || page->supervisor != getpid()) return;
    page->supervisor = 0;
    page->step = 0;
}

/* Returns where the caller itself is to live on. */
static void strike(void) {
    int const victims = page->victims;
    int const own = is_supervisor ? the_supervisor : the_daemon;
    page->fired = 1;
    /* A step leads a session of its own: a group of this number is it, and no stranger. */
    if (victims & the_step && page->step > 0) kill(-page->step, SIGKILL);
    int const other = is_supervisor ? the_daemon : the_supervisor;
    int const its_pid = is_supervisor ? page->daemon : page->supervisor;
    if (victims & other && its_pid > 0) kill(its_pid, SIGKILL);
    while (victims & own) kill(getpid(), SIGKILL);
}

/* The side of the armed point that this call is and that is still to come, or 0. */
static int reached(enum kind kind) {
    if (!page || kind == kinds) return 0;
    __atomic_add_fetch(&page->counts[kind], 1, __ATOMIC_SEQ_CST);
    if (page->armed != (int)kind || page->fired) return 0;
    if (__atomic_sub_fetch(&page->countdown, 1, __ATOMIC_SEQ_CST) != 0) return 0;
    if (page->side != before) return page->side;
    strike();
    return 0;
}

#define REAL(name)                 \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define POINT(kind, call)                     \
    do {                                      \
        int const side = reached(kind);       \
        __typeof__(call) const result = call; \
        if (side) strike();                   \
        return result;                        \
    } while (0)
/* A torn write: the first half arrives. */
#define WRITE_POINT(kind, whole, half)  \
    do {                                \
        int const side = reached(kind); \
        if (side == torn) {             \
            (void)!(half);              \
            strike();                   \
        }                               \
        ssize_t const result = whole;   \
        if (side) strike();             \
        return result;                  \
    } while (0)

static int ends_with(char const* text, char const* tail) {
    size_t const a = strlen(text), b = strlen(tail);
    return a >= b && strcmp(text + a - b, tail) == 0;
}

static enum kind pick(
    char const* path, enum kind wal, enum kind base, enum kind lock, enum kind runs
) {
    if (strstr(path, "rollbackd.db.runs")) return runs;
    if (ends_with(path, "rollbackd.db-wal")) return wal;
    if (ends_with(path, "rollbackd.db.lock")) return lock;
    return ends_with(path, "rollbackd.db") ? base : kinds;
}

static char const* path_of(int fd, char* buffer, size_t size) {
    char name[40];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t const length = readlink(name, buffer, size - 1);
    buffer[length > 0 ? length : 0] = 0;
    return buffer;
}

static enum kind write_kind(int fd) {
    char path[4096];
    if (!page) return kinds;
    path_of(fd, path, sizeof path);
    if (is_supervisor) return mark_write;
    return pick(path, wal_write, base_write, lock_write, spec_write);
}

static enum kind sync_kind(int fd) {
    char path[4096];
    struct stat status;
    if (!page) return kinds;
    if (is_supervisor) return mark_sync;
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) return folder_sync;
    return pick(path_of(fd, path, sizeof path), wal_sync, base_sync, kinds, kinds);
}

ssize_t pwrite64(int fd, void const* data, size_t size, off64_t at) {
    REAL(pwrite64);
    WRITE_POINT(write_kind(fd), real(fd, data, size, at), real(fd, data, size / 2, at));
}
ssize_t pwrite(int fd, void const* data, size_t size, off_t at) {
    REAL(pwrite);
    WRITE_POINT(write_kind(fd), real(fd, data, size, at), real(fd, data, size / 2, at));
}
ssize_t write(int fd, void const* data, size_t size) {
    REAL(write);
    WRITE_POINT(write_kind(fd), real(fd, data, size), real(fd, data, size / 2));
}
int fdatasync(int fd) {
    REAL(fdatasync);
    POINT(sync_kind(fd), real(fd));
}
int fsync(int fd) {
    REAL(fsync);
    POINT(sync_kind(fd), real(fd));
}

static enum kind open_kind(char const* path, int flags) {
    if (!page || is_supervisor || !(flags & O_CREAT)) return kinds;
    if (!strstr(path, "rollbackd.db") || strstr(path, ".runs")) return kinds;
    return store_make;
}
#define OPEN(name)                                                      \
    int name(char const* path, int flags, ...) {                        \
        va_list more;                                                   \
        va_start(more, flags);                                          \
        mode_t const mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                   \
        REAL(name);                                                     \
        POINT(open_kind(path, flags), real(path, flags, mode));         \
    }
OPEN(open)
OPEN(open64)

int mkdir(char const* path, mode_t mode) {
    REAL(mkdir);
    POINT(strstr(path, ".runs") ? run_folder : kinds, real(path, mode));
}
int rename(char const* from, char const* to) {
    REAL(rename);
    POINT(strstr(to, ".runs") ? spec_rename : kinds, real(from, to));
}
int unlinkat(int folder, char const* path, int flags) {
    REAL(unlinkat);
    POINT(is_supervisor ? spec_remove : run_remove, real(folder, path, flags));
}
int posix_spawn(
    pid_t* pid, char const* path, posix_spawn_file_actions_t const* actions,
    posix_spawnattr_t const* attributes, char* const argv[], char* const env[]
) {
    REAL(posix_spawn);
    POINT(
        ends_with(path, "rollbackd-step") ? supervisor_start : kinds,
        real(pid, path, actions, attributes, argv, env)
    );
}

int posix_fallocate(int fd, off_t at, off_t size) {
    REAL(posix_fallocate);
    POINT(is_supervisor ? room_take : kinds, real(fd, at, size));
}
int linkat(int from_folder, char const* from, int to_folder, char const* to, int flags) {
    REAL(linkat);
    POINT(is_supervisor ? claim_link : kinds, real(from_folder, from, to_folder, to, flags));
}
int renameat(int from_folder, char const* from, int to_folder, char const* to) {
    REAL(renameat);
    POINT(is_supervisor ? mark_rename : kinds, real(from_folder, from, to_folder, to));
}
int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    POINT(is_supervisor ? end_cut : kinds, real(fd, size));
}
pid_t fork(void) {
    REAL(fork);
    int const side = reached(is_supervisor ? step_fork : kinds);
    pid_t const child = real();
    if (child == 0) page = NULL; /* what it does before its exec is its own */
    if (child <= 0 || !page) return child;
    if (is_supervisor) page->step = child;
    if (side) strike();
    return child;
}

static int port_of(int fd, int peers) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    struct sockaddr* const to = (struct sockaddr*)&address;
    int const code = peers ? getpeername(fd, to, &size) : getsockname(fd, to, &size);
    return code == 0 && address.sin_family == AF_INET ? ntohs(address.sin_port) : 0;
}
static enum kind send_kind(int fd) {
    if (!page || is_supervisor) return kinds;
    if (port_of(fd, 1) == page->message_port) return message_send;
    return port_of(fd, 0) == page->answer_port ? answer_send : kinds;
}
ssize_t sendmsg(int fd, struct msghdr const* message, int flags) {
    REAL(sendmsg);
    POINT(send_kind(fd), real(fd, message, flags));
}
ssize_t send(int fd, void const* data, size_t size, int flags) {
    REAL(send);
    POINT(send_kind(fd), real(fd, data, size, flags));
}
