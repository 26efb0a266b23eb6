/* Hosts that change their threads' alternate signal stacks between two calls. */
#include "host.h"

#include <sys/mman.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

enum { SIZE = 64 * 1024, ROUNDS = 10 };

static void use_stack(void *memory, size_t size, int flags) {
    stack_t stack;

    memset(&stack, 0, sizeof stack);
    stack.ss_sp = memory;
    stack.ss_size = size;
    stack.ss_flags = flags;
    CHECK(sigaltstack(&stack, NULL) == 0);
}

static void expect_stack(void *memory, int flags) {
    stack_t stack;

    CHECK(sigaltstack(NULL, &stack) == 0);
    CHECK(stack.ss_sp == memory && stack.ss_size == SIZE && stack.ss_flags == flags);
}

static int knows_autodisarm(void *memory) {
    stack_t stack = {.ss_sp = memory, .ss_size = SIZE, .ss_flags = (int)SS_AUTODISARM};

    return sigaltstack(&stack, NULL) == 0; /* Linux 4.7 */
}

static void *scan_while_stacks_change(void *unused) {
    char *memory = malloc(SIZE);
    int autodisarm = knows_autodisarm(memory);
    void *context;
    int i;

    use_stack(NULL, 0, SS_DISABLE); /* so that Go doesn't take this one for its own */
    CHECK(api->plugin_thread_init(&context) == 1);
    for (i = 0; i < ROUNDS; i++) {
        use_stack(NULL, 0, SS_DISABLE);
        CHECK(scan(context, "spin") == AVCHK_OK && scan(context, "nil") == AVCHK_FAILED);
        use_stack(memory, SIZE, 0);
        CHECK(scan(context, "spin") == AVCHK_OK && scan(context, "nil") == AVCHK_FAILED);
        expect_stack(memory, 0);
        if (autodisarm)
            use_stack(memory, SIZE, (int)SS_AUTODISARM);
        CHECK(scan(context, "spin") == AVCHK_OK && scan(context, "nil") == AVCHK_FAILED);
        expect_stack(memory, autodisarm ? (int)SS_AUTODISARM : 0);
    }
    CHECK(api->plugin_thread_close(&context) == 1);
    use_stack(NULL, 0, SS_DISABLE);
    free(memory);
    return unused;
}

void check_altstack(void) {
    pthread_t threads[2];
    int i;

    start();
    for (i = 0; i < 2; i++)
        threads[i] = spawn(scan_while_stacks_change, NULL, 0);
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static volatile int handled;

static void use_much_stack(int number) {
    volatile char frame[240 * 1024];

    memset((void *)frame, number, sizeof frame);
    handled++;
}

static void *handle_on_large_frame(void *unused) {
    scan_once(unused);
    CHECK(raise(SIGUSR1) == 0 && handled == 1);
    return unused;
}

/* The documented limit: 256 KB for a handler, whatever registers the machine saves beside it. */
void check_largeframe(void) {
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = use_much_stack;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    start();
    pthread_join(spawn(handle_on_large_frame, NULL, 32 * 1024), NULL);
}

static int mappings(void) {
    FILE *f = fopen("/proc/self/maps", "r");
    int c, n = 0;

    CHECK(f != NULL);
    while ((c = getc(f)) != EOF)
        n += c == '\n';
    fclose(f);
    return n;
}

/* A stack that stays is two mappings, the guard and itself. */
void check_stacksfreed(void) {
    int before = 0, i;

    start();
    for (i = 0; i < 700; i++) {
        pthread_join(spawn(scan_once, NULL, 64 * 1024), NULL);
        if (i == 200)
            before = mappings();
    }
    CHECK(mappings() - before < 100);
}
