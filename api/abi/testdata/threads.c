#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>

static volatile int refusals;
static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* Not later: dlsym would wait for the load, which waits for Go's threads. */
__attribute__((constructor)) static void find(void) {
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
}

/*
 * In place of glibc's for the library, too: refuses threads as the kernel does
 * at a limit, which doesn't hold for root.
 */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *argument) {
    if (refusals > 0) {
        __atomic_sub_fetch(&refusals, 1, __ATOMIC_SEQ_CST);
        return EAGAIN;
    }
    return create(thread, attr, run, argument);
}

/* Many more refusals than Go itself would take. */
void check_refused(void) {
    void *context = start();

    refusals = 100;
    while (refusals > 0)
        scan(context, "threads");
    CHECK(scan(context, "noop") == AVCHK_OK);
}

static pthread_key_t farewell;
static pthread_t host_thread;
static volatile int looked;

/* Whatever a host may have a handler for is blocked in each call, also what Go unblocks in a thread's first.
 */
static void look_at_mask(const char *format, ...) {
    sigset_t mask;
    int number;

    (void)format;
    if (!pthread_equal(pthread_self(), host_thread))
        return;
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
    for (number = 1; number <= SIGRTMAX; number++)
        CHECK(is_special(number) || sigismember(&mask, number));
    looked++;
}

static void *last_context;
static int rounds;

/* Go lets go of the thread in the first round. */
static void scan_at_the_end(void *unused) {
    CHECK(scan(last_context, "format") == AVCHK_OK && scan(last_context, "nil") == AVCHK_FAILED);
    if (++rounds < 3)
        pthread_setspecific(farewell, unused);
}

static void *call_until_the_end(void *unused) {
    host_thread = pthread_self();
    CHECK(api->plugin_thread_init(&last_context) == 1);
    CHECK(scan(last_context, "format") == AVCHK_OK);
    CHECK(pthread_setspecific(farewell, &rounds) == 0);
    return unused;
}

void check_farewell(void) {
    load();
    CHECK(api->plugin_init(look_at_mask) == 1);
    CHECK(pthread_key_create(&farewell, scan_at_the_end) == 0);
    pthread_join(spawn(call_until_the_end, NULL, 0), NULL);
    CHECK(getenv("AVIR_TEST_INLINE") == NULL || looked >= 4);
}

enum { ROOM = 64 * 1024 };

static pthread_key_t key;
static stack_t small;

/* The library's own runs in the first two rounds; there are four. */
static void end_of_thread(void *round) {
    stack_t stack;

    if (round < (void *)3) {
        pthread_setspecific(key, (char *)round + 1);
        return;
    }
    CHECK(sigaltstack(NULL, &stack) == 0);
    CHECK(stack.ss_sp == small.ss_sp && stack.ss_size == small.ss_size && stack.ss_flags == 0);
    lines = -1;
}

static void *scan_with_small_stack(void *unused) {
    for (small.ss_size = 2048; sigaltstack(&small, NULL) != 0; small.ss_size += 1024)
        CHECK(small.ss_size < ROOM); /* the smallest that this kernel takes */
    CHECK(pthread_setspecific(key, (void *)1) == 0);
    return scan_all(unused);
}

/* A thread's own alternate stack that is too small for Go's handlers, before memory that isn't there. */
void check_smallstack(void) {
    load();
    CHECK(api->plugin_init(log_line) == 1);
    small.ss_sp = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mprotect(small.ss_sp, ROOM, PROT_NONE) == 0);
    small.ss_sp = (char *)small.ss_sp + ROOM;
    CHECK(pthread_key_create(&key, end_of_thread) == 0);
    pthread_join(spawn(scan_with_small_stack, NULL, 0), NULL);
    CHECK(lines == -1);
}

/* A thread that spins has the one processor for ever. */
void check_realtime(void) {
    struct sched_param priority = {.sched_priority = 10};
    pthread_t threads[8];
    cpu_set_t one;
    int i;

    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0 || sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
        _exit(NOT_ALLOWED);
    alarm(30); /* nobody but the kernel would end it */
    load();
    CHECK(api->plugin_init(log_line) == 1);
    for (i = 0; i < 8; i++)
        threads[i] = spawn(scan_once, NULL, 0);
    for (i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    CHECK(api->plugin_close() == 1);
}
