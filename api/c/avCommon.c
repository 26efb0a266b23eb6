/*
 * avCommon.c - the host's interface in front of an author's five functions
 *
 * What avPlugin.h promises to the author and avApi.h to the host is kept here:
 * options under a lock, bounded and terminated ASCII texts, contexts that are
 * checked before use, log lines only between plugin_init and plugin_close, no
 * lock taken in a forked child. No lock is held while the author's code or the
 * host's log callback runs, so that either may call back.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64 /* a 32-bit plugin opens files of 2 GiB and more, too */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "avPlugin.h"

enum {
    CLOSE_PATIENCE = 10 * 1000, /* ms that plugin_close waits for scans that run */
    EXIT_PATIENCE = 1000,       /* ms that exit waits for scans that run */
    LOG_PATIENCE = 1000,        /* ms that it waits for a log callback that runs */
    LOG_DEPTH = 4,              /* log callbacks that call the plugin, which logs again */
    MAX_ENTRIES = 1024,         /* ends a list of options whose last entry was forgotten */
    PAGE = 4096,
    MAX_CONTEXTS = 0xffff
};

char errorMessage[MAX_STRING];

/* ---- the process ---- */

/* The process that loaded the library: a child that it forks has this one's locks, held for ever. */
static pid_t owner;

__attribute__((constructor)) static void remember_owner(void) {
    owner = getpid();
}

static int in_forked_child(void) {
    return owner != getpid();
}

static const char forked[] = "the plugin can't be used in a forked process";

/*
 * A thread that was cancelled inside the author's code would keep its context
 * for ever. Cancellation waits until the thread is back in the host.
 */
static int enter(int *cancel_state) {
    return !in_forked_child() && pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, cancel_state) == 0;
}

static void leave(int cancel_state) {
    pthread_setcancelstate(cancel_state, NULL);
}

/* ---- text ---- */

/*
 * Copies text, which need not be terminated, as one line of printable ASCII.
 * A character of UTF-8 becomes one '?', a line break or tab a space. A text that
 * does not fit in size bytes with its NUL is cut and ends in "...".
 */
static void put_line(char *to, size_t size, const char *text, size_t length) {
    size_t used = 0, i;

    if (to == NULL || size == 0)
        return;
    while (length > 0 && *text != 0 && strchr(" \t\r\n", *text) != NULL)
        text++, length--;
    length = strnlen(text, length);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        length--;
    for (i = 0; i < length && used < size - 1; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c & 0xc0) == 0x80 && i > 0 && (unsigned char)text[i - 1] >= 0x80)
            continue; /* a further byte of one character */
        to[used++] = c == '\t' || c == '\r' || c == '\n' ? ' ' : c < ' ' || c > '~' ? '?' : (char)c;
    }
    to[used] = 0;
    if (i < length && used > 3)
        memcpy(to + used - 3, "...", 3);
}

static void put_string(char *to, size_t size, const char *text) {
    put_line(to, size, text, strlen(text));
}

/* Names are compared in ASCII, without the host's locale, in which an I may be no i. */
static int fold(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int same_name(const char *a, const char *b) {
    size_t i;

    for (i = 0; i < AVIR_CONFIG_NAME; i++) {
        if (fold(a[i]) != fold(b[i]))
            return 0;
        if (a[i] == 0)
            break;
    }
    return 1;
}

/* ---- waiting ---- */

/* Guards everything below but the log. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * Waits until *count is at most limit. Polls, because a condition variable's
 * clock jumps with the time of day on old systems.
 */
static int wait_until(const int *count, int limit, int milliseconds) {
    while (__atomic_load_n(count, __ATOMIC_SEQ_CST) > limit) {
        if (milliseconds-- <= 0)
            return 0;
        usleep(1000);
    }
    return 1;
}

/* ---- the host's log ---- */

static AV_LOG_CALLBACK_NEW host_log; /* NULL: no line may reach the host */
static int host_exits;
static int logging;         /* calls of host_log that run now, on all threads */
static pthread_key_t depth; /* how many of them are on this thread's stack */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What atexit does; its symbol is not in every libc.so. */
extern int __cxa_atexit(void (*f)(void *), void *argument, void *dso);
extern void *__dso_handle __attribute__((visibility("hidden")));

static void end_scans(void);

static void close_log(void) {
    __atomic_store_n(&host_log, (AV_LOG_CALLBACK_NEW)NULL, __ATOMIC_SEQ_CST);
    /* A line that this very thread is in can't end before this call does. */
    wait_until(&logging, (int)(intptr_t)pthread_getspecific(depth), LOG_PATIENCE);
}

/* exit() runs this before the destructors of the library's static objects, which scans may still use. */
static void at_exit(void *unused) {
    (void)unused;
    if (in_forked_child())
        return;
    end_scans();
    __atomic_store_n(&host_exits, 1, __ATOMIC_SEQ_CST);
    close_log();
}

static void prepare_log(void) {
    pthread_key_create(&depth, NULL);
    __cxa_atexit(at_exit, NULL, &__dso_handle);
}

static void open_log(AV_LOG_CALLBACK_NEW callback) {
    __atomic_store_n(&host_log, callback, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&host_exits, __ATOMIC_SEQ_CST))
        close_log();
}

static void log_line(const char *prefix, const char *format, va_list arguments) {
    char text[2 * MAX_STRING], line[MAX_STRING];
    AV_LOG_CALLBACK_NEW callback;
    size_t used = strlen(prefix);
    intptr_t below;
    int cancel_state;

    if (format == NULL || !enter(&cancel_state))
        return;
    pthread_once(&once, prepare_log);
    below = (intptr_t)pthread_getspecific(depth);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        put_string(text, sizeof text, format); /* an invalid wide character */
    memcpy(line, prefix, used);
    put_string(line + used, sizeof line - used, text);
    __atomic_add_fetch(&logging, 1, __ATOMIC_SEQ_CST);
    callback = __atomic_load_n(&host_log, __ATOMIC_SEQ_CST);
    if (callback != NULL && below < LOG_DEPTH && pthread_setspecific(depth, (void *)(below + 1)) == 0) {
        callback("%s", line);
        pthread_setspecific(depth, (void *)below);
    }
    __atomic_sub_fetch(&logging, 1, __ATOMIC_SEQ_CST);
    leave(cancel_state);
}

#define LOG_FUNCTION(name, prefix)                                                                           \
    void name(const char *format, ...) {                                                                     \
        va_list arguments;                                                                                   \
                                                                                                             \
        va_start(arguments, format);                                                                         \
        log_line(prefix, format, arguments);                                                                 \
        va_end(arguments);                                                                                   \
    }

LOG_FUNCTION(logDebug, "External_plugin: ")
LOG_FUNCTION(logWarning, "WRN: ")
LOG_FUNCTION(logError, "ERR: ")
LOG_FUNCTION(logSecurity, "SEC: ")

/* ---- what the plugin is ---- */

static void get_plugin_info(avir_plugin_info *info) {
    if (info == NULL)
        return;
    memset(info, 0, sizeof *info);
    if (avir_shortcut != NULL)
        put_string(info->name, sizeof info->name, avir_shortcut);
    if (avir_description != NULL)
        put_string(info->description, sizeof info->description, avir_description);
}

static void get_error_message(char *buffer, int size) {
    if (size <= 0)
        return;
    if (in_forked_child())
        put_string(buffer, (size_t)size, forked);
    else
        put_line(buffer, size < MAX_STRING ? (size_t)size : MAX_STRING, errorMessage, sizeof errorMessage);
}

/* ---- options ---- */

/* How many options there are. The author's count may lack, or include, the last entry. */
static int count_options(void) {
    int count = 0;

    while (count < CONFIG_SIZE && plugin_config[count].name[0] != 0)
        count++;
    return count;
}

/*
 * A list whose end the host forgot ends where its memory does. msync tells that
 * without an access, which a host may serve that brings pages in when they are
 * touched.
 */
static int is_entry(const avir_plugin_config *config) {
    size_t before = (uintptr_t)config % PAGE;

    if (msync((char *)config - before, before + sizeof *config, MS_ASYNC) != 0 && errno == ENOMEM)
        return 0;
    return config->name[0] != 0;
}

static int set_plugin_config(const avir_plugin_config *config) {
    int cancel_state, known = 0, count, entry, i;

    if (config == NULL || !enter(&cancel_state))
        return 0;
    pthread_mutex_lock(&lock);
    count = count_options();
    for (entry = 0; entry < MAX_ENTRIES && is_entry(&config[entry]); entry++)
        for (i = 0; i < count; i++)
            if (same_name(plugin_config[i].name, config[entry].name)) {
                /* The last byte stays 0, for authors who read the array without the lock. */
                strncpy(plugin_config[i].value, config[entry].value, AVIR_CONFIG_VALUE - 1);
                known++;
                break;
            }
    pthread_mutex_unlock(&lock);
    leave(cancel_state);
    return known;
}

avir_plugin_config *getPluginConfig(void) {
    avir_plugin_config *copy = NULL;
    int cancel_state, count, i;

    if (!enter(&cancel_state))
        return NULL;
    count = count_options();
    copy = (avir_plugin_config *)calloc((size_t)count + 1, sizeof *copy);
    if (copy != NULL) {
        pthread_mutex_lock(&lock);
        for (i = 0; i < count; i++) {
            strncpy(copy[i].name, plugin_config[i].name, AVIR_CONFIG_NAME - 1);
            strncpy(copy[i].value, plugin_config[i].value, AVIR_CONFIG_VALUE - 1);
        }
        pthread_mutex_unlock(&lock);
    }
    leave(cancel_state);
    return copy;
}

void freePluginConfig(avir_plugin_config *config) {
    if (!in_forked_child()) /* a child's heap may be locked for ever */
        free(config);
}

/* ---- contexts ---- */

/*
 * One scanning thread of the host. The host's context is no pointer but a
 * number: its place in the table, and how often the place was used before, so
 * that an old or invented one is noticed.
 */
struct context {
    void *author;   /* what threadInit made */
    unsigned uses;  /* how often this place was taken */
    int known;      /* the host has its number: between plugin_thread_init and plugin_thread_close */
    int open;       /* threadInit made something that threadClose must free */
    int busy;       /* the author's code runs with it */
    int close_next; /* threadClose shall follow the scan that runs */
};

static struct context *contexts; /* grows, and is never freed */
static int places;               /* in contexts */
static int running_calls;        /* of threadInit and testFile, on all contexts */
static int running;              /* between plugin_init and plugin_close */
static int turn;                 /* one plugin_init or plugin_close runs */
static int unfinished;           /* a plugin_close could not wait for the scans */

static void *number_of(int place) {
    return (void *)(((uintptr_t)(contexts[place].uses & 0x7fff) << 16) | (uintptr_t)(place + 1));
}

/* Needs the lock. Returns -1 for what is no live context. */
static int place_of(void *context) {
    int place = (int)((uintptr_t)context & MAX_CONTEXTS) - 1;

    return place >= 0 && place < places && contexts[place].known && number_of(place) == context ? place : -1;
}

/* Needs the lock. Returns a free place, or -1 when there is no memory for more. */
static int free_place(void) {
    struct context *more;
    int place, size;

    for (place = 0; place < places; place++)
        if (!contexts[place].known && !contexts[place].open && !contexts[place].busy)
            return place;
    size = places == 0 ? 16 : places * 2;
    if (size > MAX_CONTEXTS - 1)
        size = MAX_CONTEXTS - 1;
    more = size > places ? (struct context *)realloc(contexts, (size_t)size * sizeof *contexts) : NULL;
    if (more == NULL)
        return -1;
    memset(more + places, 0, (size_t)(size - places) * sizeof *more);
    contexts = more;
    places = size;
    return place;
}

/* Calls threadClose for an open context that is not busy. Needs the lock, which it gives away meanwhile. */
static int close_context(int place) {
    void *author = contexts[place].author;
    int closed;

    contexts[place].open = 0;
    contexts[place].busy = 1;
    pthread_mutex_unlock(&lock);
    closed = threadClose(&author);
    pthread_mutex_lock(&lock);
    contexts[place].busy = 0;
    return closed == 1;
}

/* Needs the lock. Closes what is open, then the plugin. None of the author's code may be running. */
static int finish_close(void) {
    int place, closed;

    unfinished = 0;
    for (place = 0; place < places; place++)
        if (contexts[place].open)
            close_context(place);
    pthread_mutex_unlock(&lock);
    closed = pluginClose() == 1;
    close_log();
    pthread_mutex_lock(&lock);
    return closed;
}

/* Needs the lock. Ends a call of the author's code; the last one finishes a close that could not wait for it.
 */
static void end_call(void) {
    running_calls--;
    if (running_calls == 0 && unfinished)
        finish_close();
}

static int plugin_thread_init(void **context) {
    void *author = NULL;
    int cancel_state, place = -1, made = 0;

    if (context == NULL)
        return 0;
    *context = NULL;
    if (!enter(&cancel_state))
        return 0;
    pthread_mutex_lock(&lock);
    if (running && (place = free_place()) >= 0) {
        contexts[place].known = contexts[place].busy = 1;
        contexts[place].close_next = 0;
        contexts[place].uses++;
        running_calls++; /* plugin_close waits for threadInit, too */
    }
    pthread_mutex_unlock(&lock);
    if (place >= 0) {
        made = threadInit(&author) == 1;
        pthread_mutex_lock(&lock);
        contexts[place].author = author;
        contexts[place].open = made;
        contexts[place].busy = 0;
        if (made && !running) {
            close_context(place);
            made = 0;
        }
        if (made)
            *context = number_of(place);
        else
            contexts[place].known = 0;
        end_call();
        pthread_mutex_unlock(&lock);
    }
    leave(cancel_state);
    return made;
}

static int plugin_thread_close(void **context) {
    int cancel_state, place, closed = 0;

    if (context == NULL || !enter(&cancel_state))
        return 0;
    pthread_mutex_lock(&lock);
    place = place_of(*context);
    *context = NULL;
    if (place >= 0) {
        closed = 1;
        if (contexts[place].busy)
            contexts[place].close_next = 1;
        else if (contexts[place].open)
            closed = close_context(place);
        contexts[place].known = 0;
    }
    pthread_mutex_unlock(&lock);
    leave(cancel_state);
    return closed;
}

/* ---- init and close ---- */

/* Puts text into errorMessage unless the author has said something. */
static void explain(const char *text) {
    if (errorMessage[0] == 0)
        put_string(errorMessage, sizeof errorMessage, text);
}

/* Takes the turn for an init or a close, or says why it can't be had. */
static int take_turn(void) {
    int taken;

    pthread_mutex_lock(&lock);
    taken = !turn;
    if (taken)
        turn = 1;
    pthread_mutex_unlock(&lock);
    if (!taken)
        explain("another call of init or close is still running");
    return taken;
}

static void give_turn(void) {
    pthread_mutex_lock(&lock);
    turn = 0;
    pthread_mutex_unlock(&lock);
}

static int plugin_init(AV_LOG_CALLBACK_NEW callback) {
    int cancel_state, done = 0;

    if (!enter(&cancel_state))
        return 0;
    pthread_once(&once, prepare_log);
    if (take_turn()) {
        errorMessage[0] = 0;
        if (running) {
            done = 1;
        } else if (unfinished) {
            explain("a scan from before the last close still runs: restart the server");
        } else if (avir_shortcut == NULL || avir_description == NULL) {
            explain("no source of the plugin that includes avPlugin.h sees AVPLUGIN_SHORTCUT and "
                    "AVPLUGIN_DESCRIPTION");
        } else {
            open_log(callback);
            done = pluginInit() == 1;
            if (done)
                errorMessage[0] = 0;
            else
                explain("pluginInit failed and wrote nothing into errorMessage"), close_log();
            pthread_mutex_lock(&lock);
            running = done;
            pthread_mutex_unlock(&lock);
        }
        give_turn();
    }
    leave(cancel_state);
    return done;
}

static int plugin_close(void) {
    int cancel_state, done = 0, waited;

    if (!enter(&cancel_state))
        return 0;
    if (take_turn()) {
        pthread_mutex_lock(&lock);
        done = 1;
        if (running) {
            running = 0; /* no scan begins any more */
            pthread_mutex_unlock(&lock);
            waited = wait_until(&running_calls, 0, CLOSE_PATIENCE);
            pthread_mutex_lock(&lock);
            if (waited) {
                done = finish_close();
            } else {
                unfinished = 1; /* the last scan finishes it: pluginClose would free what it uses */
                done = 0;
            }
        }
        pthread_mutex_unlock(&lock);
        if (!done)
            explain("pluginClose failed, or a scan does not end");
        if (unfinished)
            close_log();
        give_turn();
    }
    leave(cancel_state);
    return done;
}

/* ---- scans ---- */

/* The verdict as the host may have it; text is emptied or named to fit. */
static int checked(int verdict, char *text) {
    switch (verdict) {
    case AVCHK_OK:
        text[0] = 0;
        return verdict;
    case AVCHK_VIRUS_CURED:
        logWarning("VIRUS_CURED is not supported, answered as VIRUS_FOUND");
        /* fall through */
    case AVCHK_VIRUS_FOUND:
        if (text[0] == 0)
            strcpy(text, "unnamed virus");
        return AVCHK_VIRUS_FOUND;
    case AVCHK_FAILED:
    case AVCHK_IMPOSSIBLE:
    case AVCHK_ERROR:
        return verdict;
    }
    logError("testFile answered with the unknown verdict %d", verdict);
    strcpy(text, "unknown verdict");
    return AVCHK_FAILED;
}

/* Takes the context for one scan. Returns its place, or -1 with the reason. */
static int begin_scan(void *context, void **author, const char **problem) {
    int place;

    pthread_mutex_lock(&lock);
    place = place_of(context);
    if (!running)
        *problem = "the plugin is closed", place = -1;
    else if (place < 0)
        *problem = "no such context";
    else if (contexts[place].busy)
        *problem = "this context is scanning already", place = -1;
    if (place >= 0) {
        contexts[place].busy = 1;
        running_calls++;
        *author = contexts[place].author;
    }
    pthread_mutex_unlock(&lock);
    return place;
}

/* Lets no scan begin any more, and gives those that run a moment to end. */
static void end_scans(void) {
    pthread_mutex_lock(&lock);
    running = 0;
    pthread_mutex_unlock(&lock);
    wait_until(&running_calls, 0, EXIT_PATIENCE);
}

static void end_scan(int place) {
    pthread_mutex_lock(&lock);
    contexts[place].busy = 0;
    if (contexts[place].close_next && contexts[place].open)
        close_context(place);
    end_call();
    pthread_mutex_unlock(&lock);
}

/*
 * Says what is wrong with a file that can't be scanned, or returns NULL. Authors
 * open with fopen, which waits for ever at a FIFO, and some judge by the name
 * alone.
 */
static const char *unreadable(const char *filename) {
    int file = open(filename, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    int regular;

    if (file < 0)
        return errno == ENOENT ? "no such file" : "the file can't be opened";
    regular = fstat(file, &st) == 0 && S_ISREG(st.st_mode);
    close(file);
    return regular ? NULL : "not a regular file";
}

static int plugin_thread_test_file(void *context, const char *filename, const char *realname, char *reserved,
                                   unsigned int reserved_size, char *vir_info, unsigned int vi_size) {
    char text[MAX_STRING + 1] = "", line[MAX_STRING];
    const char *problem = "no file name";
    void *author = NULL;
    int cancel_state, place, verdict = AVCHK_FAILED;

    if (!enter(&cancel_state)) {
        put_string(vir_info, vi_size, forked);
        return AVCHK_FAILED;
    }
    if (filename != NULL && filename[0] != 0)
        problem = unreadable(filename);
    place = problem == NULL ? begin_scan(context, &author, &problem) : -1;
    if (place >= 0) {
        verdict = testFile(author, filename, realname == NULL ? filename : realname, reserved, reserved_size,
                           text, MAX_STRING);
        put_line(line, sizeof line, text, MAX_STRING);
        verdict = checked(verdict, line);
        end_scan(place);
        problem = line;
    }
    put_string(vir_info, vi_size < MAX_STRING ? vi_size : MAX_STRING, problem);
    leave(cancel_state);
    return verdict;
}

/* ---- the table ---- */

static avir_plugin_extended_thread_iface table = {
    get_plugin_info,
    get_error_message,
    set_plugin_config,
    getPluginConfig,
    freePluginConfig,
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
