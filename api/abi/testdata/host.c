#include "host.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <time.h>

const char *library;
avir_plugin_extended_thread_iface *api;
char last_line[2048];
volatile int lines, longest;

static const struct {
    const char *name;
    void (*run)(void);
} checks[] = {
    {"nulls", check_nulls},
    {"info", check_info},
    {"noinfo", check_noinfo},
    {"options", check_options},
    {"buffers", check_buffers},
    {"verdicts", check_verdicts},
    {"lifecycle", check_lifecycle},
    {"deadline", check_deadline},
    {"close", check_close},
    {"log", check_log},
    {"state", check_state},
    {"limits", check_limits},
    {"fork", check_fork},
    {"cancel", check_cancel},
    {"signals", check_signals},
    {"latehandlers", check_latehandlers},
    {"stacks", check_stacks},
    {"engine", check_engine},
    {"exit", check_exit},
    {"logclose", check_logclose},
    {"descriptors", check_descriptors},
    {"blocked", check_blocked},
    {"pipe", check_pipe},
    {"handlers", check_handlers},
    {"refused", check_refused},
    {"farewell", check_farewell},
    {"smallstack", check_smallstack},
    {"realtime", check_realtime},
    {"programs", check_programs},
    {"pages", check_pages},
    {"missing", check_missing},
    {"endless", check_endless},
    {"urgent", check_urgent},
    {"fates", check_fates},
    {"logcrash", check_logcrash},
    {"altstack", check_altstack},
    {"largeframe", check_largeframe},
    {"stacksfreed", check_stacksfreed},
};

void load(void) {
    avir_plugin_extended_thread_iface *(*get)(unsigned int *);
    unsigned int version = 0;
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(1);
    }
    *(void **)&get = dlsym(handle, "get_plugin_extended_iface");
    CHECK(get != NULL);
    api = get(&version);
    CHECK(version == 2 && api == get(NULL));
}

void log_line(const char *format, ...) {
    va_list list;
    int n;

    va_start(list, format);
    n = vsnprintf(last_line, sizeof last_line, format, list);
    va_end(list);
    if (n > longest)
        longest = n;
    lines++;
}

void set(const char *name, const char *value) {
    avir_plugin_config list[2];

    memset(list, 0, sizeof list);
    strcpy(list[0].name, name);
    strcpy(list[0].value, value);
    CHECK(api->set_plugin_config(list) == 1);
}

void *start(void) {
    void *context = NULL;

    load();
    CHECK(api->plugin_init(log_line) == 1);
    CHECK(api->plugin_thread_init(&context) == 1 && context != NULL);
    return context;
}

int scan(void *context, const char *name) {
    char text[256];

    return api->plugin_thread_test_file(context, name, name, NULL, 0, text, sizeof text);
}

double seconds(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

pthread_t spawn(void *(*f)(void *), void *argument, size_t stack) {
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    if (stack != 0)
        CHECK(pthread_attr_setstacksize(&attr, stack) == 0);
    CHECK(pthread_create(&thread, &attr, f, argument) == 0);
    pthread_attr_destroy(&attr);
    return thread;
}

int main(int argc, char **argv) {
    size_t i;

    if (argc != 3) { /* the list of all checks */
        for (i = 0; i < sizeof checks / sizeof *checks; i++)
            puts(checks[i].name);
        return 0;
    }
    library = argv[1];
    alarm(60); /* a check that hangs dies of it */
    for (i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(argv[2], checks[i].name) == 0) {
            checks[i].run();
            return 0;
        }
    fprintf(stderr, "%s: no such check\n", argv[2]);
    return 2;
}
