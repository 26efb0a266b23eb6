/* Hosts whose memory is missing, or comes only when it is touched. */
#include "host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>

enum { PAGES = 16 };

static char *reserved;
static volatile int committed;
static sigjmp_buf way_back;
static volatile int expects_fault;

/* As a runtime does that reserves much memory and commits what is used; no other fault is its own. */
static void commit(int number, siginfo_t *info, void *context) {
    char *page = (char *)((uintptr_t)info->si_addr / 4096 * 4096);
    sigset_t mask;

    (void)context;
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
    CHECK(sigismember(&mask, number) && sigismember(&mask, SIGUSR2) && !sigismember(&mask, SIGSEGV + 32));
    if (expects_fault)
        siglongjmp(way_back, 1);
    if (page < reserved || page >= reserved + PAGES * 4096)
        _exit(3);
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
    __atomic_add_fetch(&committed, 1, __ATOMIC_SEQ_CST);
}

static void reserve(void) {
    struct sigaction action;

    reserved = mmap(NULL, PAGES * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(reserved != MAP_FAILED);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = commit;
    action.sa_flags = SA_SIGINFO;
    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
}

/* Lets the host's handler bring a page again that has been used. */
static char *take_away(int page) {
    CHECK(mprotect(reserved + page * 4096, 4096, PROT_NONE) == 0);
    return reserved + page * 4096;
}

static char *fill(int page, const char *text) {
    strcpy(take_away(page), text);
    return take_away(page);
}

void check_pages(void) {
    avir_plugin_config *list;
    void **context;
    int i, before;

    reserve();
    load();
    CHECK(committed == 0);
    api->get_plugin_info((avir_plugin_info *)reserved);
    CHECK(strcmp(reserved, "avir_test") == 0);
    list = (avir_plugin_config *)(reserved + 2 * 4096 - 80); /* one and a half entry on either page */
    memset(list, 0, 3 * sizeof *list);
    strcpy(list[0].name, "Mode");
    strcpy(list[0].value, "fail");
    take_away(1);
    take_away(2);
    CHECK(api->set_plugin_config(list) == 1 && api->plugin_init(log_line) == 0);
    api->get_error_message(take_away(3), 4096);
    CHECK(strncmp(reserved + 3 * 4096, "told to fail", 12) == 0);
    set("Mode", "good");
    CHECK(api->plugin_init(log_line) == 1);
    context = (void **)take_away(4);
    CHECK(api->plugin_thread_init(context) == 1 && *context != NULL);
    for (i = 0; i < 100; i++) {
        before = committed;
        CHECK(api->plugin_thread_test_file(*context, fill(5, "realname"), fill(6, "the name"), NULL, 0,
                                           take_away(7), 256) == AVCHK_IMPOSSIBLE);
        CHECK(strcmp(reserved + 7 * 4096, "the name") == 0 && committed == before + 5);
        CHECK(scan(*context, "nil") == AVCHK_FAILED && scan(*context, "wild") == AVCHK_FAILED);
        expects_fault = 1;
        if (sigsetjmp(way_back, 1) == 0)
            *(volatile char *)take_away(8) = 1;
        expects_fault = 0;
    }
    take_away(4);
    CHECK(api->plugin_thread_close(context) == 1 && *context == NULL);
    CHECK(api->plugin_close() == 1);
}

/* A list that stops where its memory does, with all of its entries full. */
static void set_endless(char *end, int entries) {
    avir_plugin_config *list = (avir_plugin_config *)end - entries;
    int i;

    for (i = 0; i < entries; i++) {
        strcpy(list[i].name, "Mode");
        strcpy(list[i].value, "good");
    }
    CHECK(api->set_plugin_config(list) == entries);
    end[-1] = 0;
    CHECK(api->set_plugin_config((avir_plugin_config *)(end - 100)) == 0); /* not even one */
}

static void use_wild_addresses(void *context) {
    static char *const wild[] = {(char *)16, (char *)-4096, (char *)-3};
    char text[256];
    size_t i;

    for (i = 0; i < sizeof wild / sizeof *wild; i++) {
        CHECK(api->plugin_thread_test_file(context, wild[i], NULL, NULL, 0, text, 256) == AVCHK_FAILED);
        CHECK(strcmp(text, "bad file name") == 0);
        CHECK(api->plugin_thread_test_file(context, "noop", wild[i], NULL, 0, text, 256) == AVCHK_FAILED);
        CHECK(api->plugin_thread_test_file(context, "utf8", NULL, NULL, 0, wild[i], 256) == AVCHK_FAILED);
        CHECK(api->set_plugin_config((avir_plugin_config *)wild[i]) == 0);
        CHECK(api->plugin_thread_init((void **)wild[i]) == 0);
        CHECK(api->plugin_thread_close((void **)wild[i]) == 0);
        api->get_error_message(wild[i], 100);
        api->get_plugin_info((avir_plugin_info *)wild[i]);
    }
    CHECK(scan(context, "noop") == AVCHK_OK);
}

/* Without a handler of the host, what isn't there is an error, and nothing more. */
void check_missing(void) {
    char *memory = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *context = start();

    CHECK(munmap(memory + 4096, 4096) == 0 && mprotect(memory + 3 * 4096, 4096, PROT_NONE) == 0);
    set_endless(memory + 4096, 3);
    set_endless(memory + 3 * 4096, 3);
    use_wild_addresses(context);
}

/* A handler of the host that knows its own memory only is never asked about a list's missing end. */
void check_endless(void) {
    avir_plugin_config *list;
    char *memory;
    int i;

    reserve();
    load();
    memory = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(munmap(memory + 2 * 4096, 4096) == 0);
    list = (avir_plugin_config *)(memory + 2 * 4096) - 30;
    for (i = 0; i < 30; i++)
        strcpy(list[i].name, "Mode");
    CHECK(api->set_plugin_config(list) == 30);
}
