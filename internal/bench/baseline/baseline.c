/* The baseline client: sends one file again and again to clamd in one session
 * for each thread, over TCP as a stream and over a unix socket as a descriptor,
 * and does nothing else: no deadline, no pool, no second try, no checks. No
 * plugin can be much faster.
 *
 *   baseline ADDRESS THREADS COUNT PAUSE_MS FILE
 *
 * ADDRESS is PORT (of 127.0.0.1) or the path of a unix socket. Each thread
 * pauses PAUSE_MS after each scan. The program prints
 * "total-ns p50-ns p99-ns cpu-ns" for all COUNT scans. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (128 << 10)

static const char *address, *file;
static long threads, count, pause_ms;
static unsigned long long *times; /* nanoseconds */

static void die(const char *what) {
    perror(what);
    exit(1);
}

static unsigned long long now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int dial(void) {
    int unix_socket = *address == '/', on = 1;
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons(atoi(address))};
    strncpy(local.sun_path, address, sizeof local.sun_path - 1);
    port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(unix_socket ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    if (unix_socket ? connect(fd, (struct sockaddr *)&local, sizeof local)
                    : connect(fd, (struct sockaddr *)&port, sizeof port))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* a unix socket refuses it */
    return fd;
}

static void put(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t m = write(fd, p, n);
        if (m <= 0)
            die("write");
        p += m, n -= m;
    }
}

static void instream(int fd, int f, char *buf) {
    static const char command[] = "zINSTREAM";
    size_t head = sizeof command;
    memcpy(buf, command, head);
    for (;;) {
        ssize_t n = read(f, buf + head + 4, CHUNK);
        if (n < 0)
            die("read");
        unsigned length = htonl(n);
        memcpy(buf + head, &length, 4);
        size_t end = head + 4 + n;
        int last = n < CHUNK;
        if (last && n) {
            memset(buf + end, 0, 4);
            end += 4;
        }
        put(fd, buf, end);
        if (last)
            return;
        head = 0;
    }
}

static void fildes(int fd, int f) {
    char data[] = "zFILDES\0", control[CMSG_SPACE(sizeof(int))];
    struct iovec v = {data, sizeof data};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &f, sizeof f);
    if (sendmsg(fd, &m, 0) != sizeof data)
        die("sendmsg");
}

static void *scan_again(void *number) {
    char *buf = malloc(CHUNK + 64), reply[4096];
    int fd = dial();
    put(fd, "zIDSESSION", 11);
    for (long i = (long)number; i < count; i += threads) {
        unsigned long long begin = now(CLOCK_MONOTONIC);
        int f = open(file, O_RDONLY);
        if (f < 0)
            die(file);
        *address == '/' ? fildes(fd, f) : instream(fd, f, buf);
        size_t n = 0;
        do {
            ssize_t m = read(fd, reply + n, sizeof reply - n);
            if (m <= 0)
                die("reply");
            n += m;
        } while (reply[n - 1]);
        close(f);
        if (strstr(reply, " ERROR")) {
            fprintf(stderr, "baseline: %s\n", reply);
            exit(1);
        }
        times[i] = now(CLOCK_MONOTONIC) - begin;
        if (pause_ms)
            usleep(pause_ms * 1000);
    }
    close(fd);
    return NULL;
}

static int by_size(const void *a, const void *b) {
    unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: baseline ADDRESS THREADS COUNT PAUSE_MS FILE\n");
        return 2;
    }
    address = argv[1], threads = atol(argv[2]), count = atol(argv[3]);
    pause_ms = atol(argv[4]), file = argv[5];
    times = calloc(count, sizeof *times);
    pthread_t t[threads];
    unsigned long long begin = now(CLOCK_MONOTONIC);
    for (long i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, scan_again, (void *)i);
    for (long i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    unsigned long long total = now(CLOCK_MONOTONIC) - begin;
    qsort(times, count, sizeof *times, by_size);
    printf("%llu %llu %llu %llu\n", total, times[count / 2], times[count * 99 / 100],
           now(CLOCK_PROCESS_CPUTIME_ID));
    return 0;
}
