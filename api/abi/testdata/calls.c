#include "host.h"

#include <dlfcn.h>
#include <limits.h>
#include <sys/personality.h>

void check_nulls(void) {
    void *context = NULL, *garbage = (void *)0x1234567;
    char text[8] = "unset";

    load();
    api->get_plugin_info(NULL);
    api->get_error_message(NULL, 10);
    api->free_plugin_config(NULL);
    CHECK(api->set_plugin_config(NULL) == 0);
    CHECK(api->plugin_thread_init(NULL) == 0);
    CHECK(api->plugin_thread_close(NULL) == 0);
    CHECK(api->plugin_thread_init(&context) == 0 && context == NULL); /* not initialised */
    CHECK(api->plugin_close() == 1);
    CHECK(api->plugin_init(NULL) == 1);
    CHECK(api->plugin_init(NULL) == 1); /* twice: still running */
    CHECK(api->plugin_thread_init(&context) == 1);
    CHECK(api->plugin_thread_test_file(NULL, "noop", NULL, NULL, 0, text, 8) == AVCHK_FAILED && text[0] == 0);
    CHECK(api->plugin_thread_test_file(garbage, "noop", NULL, NULL, 0, NULL, 8) == AVCHK_FAILED);
    CHECK(api->plugin_thread_test_file(context, NULL, NULL, NULL, 0, text, 8) == AVCHK_FAILED);
    CHECK(api->plugin_thread_test_file(context, "noop", NULL, NULL, 9, NULL, 0) == AVCHK_OK);
    CHECK(scan(context, "panic") == AVCHK_FAILED); /* logs to NULL */
    CHECK(api->plugin_thread_close(&garbage) == 0 && garbage == NULL);
    CHECK(api->plugin_thread_close(&context) == 1 && context == NULL);
    CHECK(api->plugin_thread_close(&context) == 0);
}

void check_info(void) {
    avir_plugin_info info, expected;

    load();
    memset(&info, 0x55, sizeof info);
    memset(&expected, 0, sizeof expected);
    strcpy(expected.name, "avir_test");
    strcpy(expected.description, "Plugin of the SDK's own tests, version 1");
    api->get_plugin_info(&info);
    CHECK(memcmp(&info, &expected, sizeof info) == 0);
    CHECK(api->reserved1 == NULL && api->reserved2 == NULL && api->reserved3 == NULL &&
          api->reserved4 == NULL);
}

void check_noinfo(void) {
    char text[256];

    load();
    CHECK(api->plugin_init(NULL) == 0);
    api->get_error_message(text, sizeof text);
    CHECK(strstr(text, "Info left its goroutine with runtime.Goexit") != NULL);
}

/* Starts over with the stack, and the list on it, at the end of a 32-bit address space. */
static void restart_at_fixed_addresses(const char *check) {
    if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE) && personality(ADDR_NO_RANDOMIZE) >= 0)
        execl("/proc/self/exe", "host", library, check, (char *)NULL);
}

void check_options(void) {
    avir_plugin_config list[5], *copy;

    restart_at_fixed_addresses("options");
    load();
    memset(list, 0, sizeof list);
    strcpy(list[0].name, "MODE");
    memset(list[0].value, 'v', sizeof list[0].value); /* no NUL */
    memset(list[1].name, 'n', sizeof list[1].name);   /* no NUL: not known */
    strcpy(list[2].name, "unknown");
    strcpy(list[3].name, "empty");
    CHECK(api->set_plugin_config(list) == 2);
    copy = api->get_plugin_config();
    CHECK(strcmp(copy[0].name, "Mode") == 0 && strlen(copy[0].value) == 127);
    CHECK(strcmp(copy[1].name, "Empty") == 0 && copy[1].value[0] == 0);
    CHECK(copy[2].name[0] == 0 && copy[2].value[0] == 0);
    api->free_plugin_config(copy);
}

void check_buffers(void) {
    static const unsigned int sizes[] = {0, 1, 2, 255, 256, 511, 512, 513, UINT_MAX};
    const char *error = "told to fail: | ?lu?ou?k?";
    char text[1024];
    void *context = start();
    size_t i, end;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(text, '#', sizeof text);
        CHECK(api->plugin_thread_test_file(context, "long", NULL, NULL, 0, text, sizes[i]) ==
              AVCHK_VIRUS_FOUND);
        end = sizes[i] == 0 ? 0 : sizes[i] > 512 ? 512 : sizes[i];
        CHECK(end == 0 || text[end - 1] == 0);
        CHECK(text[end] == '#' && (end < 2 || strlen(text) == end - 1));
    }
    CHECK(api->plugin_thread_test_file(context, "utf8", NULL, NULL, 0, text, 256) == AVCHK_VIRUS_FOUND);
    CHECK(strcmp(text, "?lut??") == 0);
    api->plugin_close();
    set("Mode", "fail");
    CHECK(api->plugin_init(log_line) == 0);
    for (i = 0; i <= strlen(error) + 2; i++) {
        memset(text, '#', sizeof text);
        api->get_error_message(text, (int)i);
        CHECK(text[i] == '#' && (i == 0 || (strlen(text) < i && strncmp(text, error, i - 1) == 0)));
    }
    memset(text, '#', sizeof text);
    api->get_error_message(text, -1);
    CHECK(text[0] == '#');
    api->get_error_message(text, INT_MAX);
    CHECK(strcmp(text, error) == 0);
    set("Mode", "panic");
    CHECK(api->plugin_init(log_line) == 0);
    set("Mode", "goexit");
    CHECK(api->plugin_init(log_line) == 0);
    set("Mode", "good");
    CHECK(api->plugin_init(log_line) == 1);
    api->get_error_message(text, sizeof text);
    CHECK(text[0] == 0);
}

void check_verdicts(void) {
    char text[256];
    void *context = start();
    int i;

    for (i = 0; i < 3; i++) {
        CHECK(scan(context, "noop") == AVCHK_OK);
        CHECK(scan(context, "seven") == AVCHK_FAILED && strncmp(last_line, "ERR: ", 5) == 0);
        CHECK(scan(context, "cured") == AVCHK_VIRUS_FOUND);
        CHECK(scan(context, "panic") == AVCHK_FAILED && strstr(last_line, "main.go:") != NULL);
        CHECK(scan(context, "nil") == AVCHK_FAILED && strstr(last_line, "nil pointer") != NULL);
        CHECK(scan(context, "wild") == AVCHK_FAILED && strstr(last_line, "main.go:") != NULL);
        if (getenv("AVIR_TEST_INLINE") == NULL)
            CHECK(scan(context, "goexit") == AVCHK_FAILED);
        CHECK(scan(context, "n\xff/\xc5") == AVCHK_IMPOSSIBLE);
    }
    CHECK(api->plugin_thread_test_file(context, "realname", "the name", NULL, 0, text, 256) ==
          AVCHK_IMPOSSIBLE);
    CHECK(strcmp(text, "the name") == 0);
    CHECK(api->plugin_thread_test_file(context, "realname", NULL, NULL, 0, text, 256) == AVCHK_IMPOSSIBLE);
    CHECK(strcmp(text, "") == 0);
}

void check_lifecycle(void) {
    void *context = start(), *old, *handle;
    int i;

    for (i = 0; i < 20; i++) {
        CHECK(scan(context, "noop") == AVCHK_OK);
        old = context;
        CHECK(api->plugin_close() == 1);
        CHECK(scan(context, "noop") == AVCHK_FAILED);
        CHECK(api->plugin_thread_close(&context) == 1); /* later than plugin_close */
        handle = dlopen(library, RTLD_NOW);
        CHECK(dlclose(handle) == 0 && dlclose(handle) == 0);
        context = start();
        CHECK(scan(old, "noop") == AVCHK_FAILED);
    }
}

void check_deadline(void) {
    void *context = start();
    double begin = seconds();

    CHECK(scan(context, "wait") == AVCHK_FAILED && seconds() - begin >= 0.3 && seconds() - begin < 1.2);
    if (getenv("AVIR_TEST_INLINE") != NULL)
        return; /* an inline scanner has promised not to hang */
    begin = seconds();
    CHECK(scan(context, "hang") == AVCHK_FAILED && strstr(last_line, "left behind") != NULL);
    CHECK(seconds() - begin >= 1.3 && seconds() - begin < 2.5); /* and a second of grace */
    CHECK(scan(context, "noop") == AVCHK_OK);
    CHECK(api->plugin_thread_close(&context) == 1 && api->plugin_close() == 1);
}

static volatile int closed;

static void *scan_until_closed(void *name) {
    void *context;

    CHECK(api->plugin_thread_init(&context) == 1);
    __atomic_add_fetch(&lines, 1, __ATOMIC_SEQ_CST);
    while (!closed)
        scan(context, name);
    CHECK(scan(context, "noop") == AVCHK_FAILED);
    CHECK(api->plugin_thread_close(&context) == 1);
    return NULL;
}

void check_close(void) {
    static char *names[] = {"noop", "wait", "gc", "hang"};
    pthread_t threads[4];
    double begin;
    int round, i, count;

    for (round = 0; round < 20; round++) {
        load();
        CHECK(api->plugin_init(log_line) == 1);
        lines = closed = 0;
        count = round < 2 && getenv("AVIR_TEST_INLINE") == NULL ? 4 : 3;
        for (i = 0; i < count; i++)
            threads[i] = spawn(scan_until_closed, names[i], 0);
        while (lines < count)
            usleep(1000);
        begin = seconds();
        CHECK(api->plugin_close() == 1 && seconds() - begin < 8);
        closed = 1;
        for (i = 0; i < count; i++)
            pthread_join(threads[i], NULL);
    }
}

static void *busy;

static void log_and_call(const char *format, ...) {
    char text[16];
    void *context;

    (void)format;
    lines++;
    api->get_error_message(text, sizeof text);
    CHECK(api->plugin_init(log_and_call) == 1);
    CHECK(scan(busy, "panic") == AVCHK_FAILED); /* the context is in use */
    CHECK(api->plugin_thread_init(&context) == 1 && scan(context, "noop") == AVCHK_OK);
    CHECK(api->plugin_thread_close(&context) == 1);
}

void check_log(void) {
    void *context = start();

    CHECK(scan(context, "format") == AVCHK_OK);
    CHECK(strncmp(last_line, "ERR: %n%s? yyy", 14) == 0 && longest == 480);
    CHECK(api->plugin_thread_close(&context) == 1 && api->plugin_close() == 1);
    CHECK(api->plugin_init(log_and_call) == 1);
    CHECK(api->plugin_thread_init(&busy) == 1);
    lines = 0;
    CHECK(scan(busy, "format") == AVCHK_OK && lines > 0);
    CHECK(api->plugin_close() == 1);
}
