/* GET requests at a steady rate over connections that are kept, whatever the answers do: a request that finds no
 * connection free waits, and its wait counts. Prints what was answered and how long it took, in microseconds.
 * Usage: load PORT PATH RATE SECONDS CONNECTIONS [HEADER...] */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, ANSWER_MAX = 1 << 20 };

struct connection {
    int fd;
    int busy;
    int64_t due;
    size_t got;
    char answer[ANSWER_MAX];
};

static struct connection connections[CONNECTIONS_MAX];
static char request[4096];
static size_t request_size, answer_size;
static double* took;
static size_t answered;

static int64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static void die(char const* what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_connection(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int const fd = socket(AF_INET, SOCK_STREAM, 0);
    int const on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof(address)) != 0) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void send_request(struct connection* on, int64_t due) {
    on->busy = 1;
    on->due = due;
    on->got = 0;
    if (write(on->fd, request, request_size) != (ssize_t)request_size) die("write");
}

/* Whether the answer is whole: its head, and as many bytes as that says. */
static int is_whole(struct connection const* from) {
    char const* const end = memmem(from->answer, from->got, "\r\n\r\n", 4);
    if (!end) return 0;
    char const* const field = strcasestr(from->answer, "\r\nContent-Length:");
    size_t const length = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
    size_t const whole = (size_t)(end - from->answer) + 4 + length;
    if (from->got < whole) return 0;
    if (strncmp(from->answer, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "load: answered with %.40s\n", from->answer);
        exit(1);
    }
    answer_size = length;
    return 1;
}

static int compare(void const* a, void const* b) {
    double const x = *(double const*)a, y = *(double const*)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char** argv) {
    if (argc < 6) return 2;
    int const port = atoi(argv[1]), count = atoi(argv[5]);
    double const rate = atof(argv[3]), seconds = atof(argv[4]);
    size_t const wanted = (size_t)(rate * seconds);
    if (count < 1 || count > CONNECTIONS_MAX || wanted < 1) return 2;
    int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", argv[2]);
    for (int i = 6; i < argc; ++i) {
        size += snprintf(request + size, sizeof(request) - (size_t)size, "%s\r\n", argv[i]);
    }
    size += snprintf(request + size, sizeof(request) - (size_t)size, "\r\n");
    request_size = (size_t)size;
    took = calloc(wanted, sizeof(*took));

    int const poll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
    for (int i = 0; i < count; ++i) {
        connections[i].fd = open_connection(port);
        struct epoll_event on = {.events = EPOLLIN, .data.ptr = &connections[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].fd, &on);
    }
    struct epoll_event on = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll, EPOLL_CTL_ADD, timer, &on);
    int64_t const period = (int64_t)(1e9 / rate), begun = now();
    struct itimerspec const beat = {{0, period}, {0, period}};
    timerfd_settime(timer, 0, &beat, NULL);

    size_t due = 0, sent = 0;
    while (answered < wanted) {
        struct epoll_event events[CONNECTIONS_MAX + 1];
        int const ready = epoll_wait(poll, events, CONNECTIONS_MAX + 1, 10000);
        if (ready <= 0) die("no answer for ten seconds");
        for (int i = 0; i < ready; ++i) {
            struct connection* const from = events[i].data.ptr;
            if (!from) {
                uint64_t beats = 0;
                if (read(timer, &beats, sizeof(beats)) == sizeof(beats)) due += beats;
                continue;
            }
            ssize_t const got = read(from->fd, from->answer + from->got, ANSWER_MAX - 1 - from->got);
            if (got <= 0) die("read");
            from->got += (size_t)got;
            from->answer[from->got] = '\0';
            if (!is_whole(from)) continue;
            took[answered++] = (double)(now() - from->due) / 1e3;
            from->busy = 0;
        }
        for (int i = 0; i < count && sent < due && sent < wanted; ++i) {
            if (connections[i].busy) continue;
            send_request(&connections[i], begun + (int64_t)(sent + 1) * period);
            ++sent;
        }
    }
    double const lasted = (double)(now() - begun) / 1e9;
    qsort(took, wanted, sizeof(*took), compare);
    printf("{\"answered\": %zu, \"rate\": %.1f, \"bytes\": %zu, \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, "
           "\"max\": %.1f}\n", answered, (double)answered / lasted, answer_size, took[wanted / 2],
           took[wanted * 99 / 100], took[wanted * 999 / 1000], took[wanted - 1]);
    return 0;
}
