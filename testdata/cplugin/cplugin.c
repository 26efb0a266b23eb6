/*
 * A plugin in C that uses nothing of this project but avApi.h. Like the Go
 * sample it has no antivirus and answers by file name.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "avApi.h"

enum { CONTEXTS = 1024 };

/* Guards all that follows: the host calls from many threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int running;
static volatile pid_t owner;  /* the process that called plugin_init first; not guarded */
static char in_use[CONTEXTS]; /* a context is a pointer into this, so that garbage is noticed */
static avir_plugin_config options[] = {{"Option 1", "0"}, {"Option 2", "a string"}, {"", ""}};

static const struct {
    const char *name;
    int verdict;
    const char *text;
} answers[] = {
    {"clean.exe", AVCHK_OK, ""},
    {"empty.file", AVCHK_OK, ""},
    {"huge.file", AVCHK_OK, ""},
    {"eicar.com", AVCHK_VIRUS_FOUND, "Eicar-Test-Signature"},
    {"eicar.zip", AVCHK_VIRUS_FOUND, "Eicar-Test-Signature"},
    {"eicarpwd.zip", AVCHK_IMPOSSIBLE, "encrypted archive"},
};

/*
 * A host may fork while its other threads scan. The child has the lock as it was
 * at that moment, perhaps held by a thread that the child does not have, and
 * would wait for it for ever. So each function asks this before it locks. An
 * antivirus with connections or threads of its own must refuse a child anyway.
 */
static int in_forked_child(void) {
    return owner != 0 && owner != getpid();
}

/* The one way text leaves this plugin: cut to fit, and ended by a NUL. */
static void put(char *buffer, size_t size, const char *text) {
    size_t length = strlen(text);

    if (buffer == NULL || size == 0)
        return;
    if (length >= size)
        length = size - 1;
    memcpy(buffer, text, length);
    buffer[length] = 0;
}

static void get_plugin_info(avir_plugin_info *info) {
    if (info == NULL)
        return;
    memset(info, 0, sizeof *info);
    put(info->name, sizeof info->name, "avir_csample");
    put(info->description, sizeof info->description,
        "Sample plugin in C without an antivirus, version 1.0.0");
}

static void get_error_message(char *buffer, int size) {
    if (size > 0)
        put(buffer, (size_t)size, in_forked_child() ? "the process was forked after plugin_init" : "");
}

static int fold(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* Without case, and without the host's locale, in which an I may be no i. */
static int same_name(const char *a, const char *b, size_t size) {
    while (size > 0 && fold(*a) == fold(*b)) {
        if (*a == 0)
            return 1;
        a++;
        b++;
        size--;
    }
    return size == 0;
}

/*
 * A host may forget the entry that ends its list. Then the list ends where its
 * memory does, which msync tells without an access. Pages have 4096 bytes on x86.
 */
static int is_entry(const avir_plugin_config *config) {
    size_t before = (size_t)config % 4096;

    if (msync((char *)config - before, before + sizeof *config, MS_ASYNC) != 0 && errno == ENOMEM)
        return 0;
    return config->name[0] != 0;
}

static int set_plugin_config(const avir_plugin_config *config) {
    avir_plugin_config *option;
    int known = 0;

    if (in_forked_child())
        return 0;
    pthread_mutex_lock(&lock);
    for (; config != NULL && is_entry(config); config++)
        for (option = options; option->name[0] != 0; option++)
            if (same_name(option->name, config->name, sizeof option->name)) {
                memcpy(option->value, config->value, sizeof option->value - 1);
                known++;
            }
    pthread_mutex_unlock(&lock);
    return known;
}

static avir_plugin_config *get_plugin_config(void) {
    avir_plugin_config *copy = in_forked_child() ? NULL : malloc(sizeof options);

    if (copy == NULL)
        return NULL;
    pthread_mutex_lock(&lock);
    memcpy(copy, options, sizeof options);
    pthread_mutex_unlock(&lock);
    return copy;
}

static void free_plugin_config(avir_plugin_config *config) {
    free(config);
}

static int set_running(int value) {
    if (in_forked_child())
        return 0;
    pthread_mutex_lock(&lock);
    running = value;
    pthread_mutex_unlock(&lock);
    return 1;
}

static int plugin_init(AV_LOG_CALLBACK_NEW log) {
    if (!set_running(1))
        return 0;
    if (owner == 0)
        owner = getpid();
    if (log != NULL)
        log("External_plugin: %s", "C sample plugin starts");
    return 1;
}

static int plugin_close(void) {
    return set_running(0);
}

static int plugin_thread_init(void **context) {
    int i = 0;

    if (context == NULL)
        return 0;
    *context = NULL;
    if (in_forked_child())
        return 0;
    pthread_mutex_lock(&lock);
    while (i < CONTEXTS && in_use[i])
        i++;
    if (running && i < CONTEXTS) {
        in_use[i] = 1;
        *context = &in_use[i];
    }
    pthread_mutex_unlock(&lock);
    return *context != NULL;
}

/* Compares addresses as numbers: a garbage pointer may be compared no other way. */
static int is_context(const void *context) {
    size_t offset = (size_t)context - (size_t)in_use;

    return context != NULL && offset < CONTEXTS && in_use[offset];
}

static int plugin_thread_close(void **context) {
    int known;

    if (context == NULL || in_forked_child())
        return 0;
    pthread_mutex_lock(&lock);
    known = is_context(*context);
    if (known)
        *(char *)*context = 0;
    pthread_mutex_unlock(&lock);
    *context = NULL;
    return known;
}

/* Opens before it judges: what can't be read is never answered with OK. */
static int judge(const char *filename, const char **text) {
    const char *slash = strrchr(filename, '/');
    const char *name = slash == NULL ? filename : slash + 1;
    int file = open(filename, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char byte;
    ssize_t got;
    off_t size;
    size_t i;

    if (file < 0) {
        *text = errno == ENOENT ? "no such file" : "the file can't be opened";
        return AVCHK_FAILED;
    }
    do
        got = read(file, &byte, 1);
    while (got < 0 && errno == EINTR);
    size = lseek(file, 0, SEEK_END);
    close(file);
    if (got < 0 || size < 0) { /* a directory, or a pipe */
        *text = "not a readable file";
        return AVCHK_FAILED;
    }
    for (i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strcmp(name, answers[i].name) == 0) {
            *text = answers[i].text;
            return answers[i].verdict;
        }
    *text = "the sample plugin knows only its samples";
    return AVCHK_IMPOSSIBLE;
}

static int plugin_thread_test_file(void *context, const char *filename, const char *realname, char *reserved,
                                   unsigned int reserved_size, char *vir_info, unsigned int vi_size) {
    const char *text = "no context, no file name, or a forked process";
    int verdict = AVCHK_FAILED, ready = 0;

    (void)realname;
    (void)reserved;
    (void)reserved_size;
    if (!in_forked_child()) {
        pthread_mutex_lock(&lock);
        ready = running && is_context(context);
        pthread_mutex_unlock(&lock);
    }
    if (ready && filename != NULL)
        verdict = judge(filename, &text);
    put(vir_info, vi_size, text);
    return verdict;
}

static avir_plugin_extended_thread_iface table = {
    get_plugin_info,
    get_error_message,
    set_plugin_config,
    get_plugin_config,
    free_plugin_config,
    plugin_init,
    plugin_close,
    NULL,
    NULL,
    NULL,
    NULL,
    plugin_thread_init,
    plugin_thread_close,
    plugin_thread_test_file,
};

avir_plugin_extended_thread_iface *get_plugin_extended_iface(unsigned int *version) {
    if (version != NULL)
        *version = AVIR_IFACE_VERSION;
    return &table;
}
