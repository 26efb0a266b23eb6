/*
 * The host's table. Each function copies its arguments, enters Go, and copies
 * the answer to the host; in a forked child it answers by itself. Go never
 * sees memory of the host.
 */
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"
#include "host.h"

static const char refused[] = "the plugin can't be used in a forked process or without memory";

enum { MAX_OPTIONS = 1024 /* ends a list whose last entry was forgotten */ };

avir_plugin_info avir_info;

/* Text to a buffer of the host, whose claim about its size may be wrong: no more than the text is written. */
static int give_text(char *buffer, size_t size, char *text) {
    size_t length = strlen(text);

    if (buffer == NULL || size == 0)
        return 1;
    if (length >= size)
        length = size - 1;
    text[length] = 0;
    return avir_copy(buffer, text, length + 1) == 0;
}

static void get_plugin_info(avir_plugin_info *info) {
    struct avir_entry entry;

    if (info == NULL)
        return;
    if (avir_enter(&entry)) {
        avirBind(); /* waits for the registration */
        avir_leave(&entry);
    }
    avir_copy(info, &avir_info, sizeof avir_info);
}

static void get_error_message(char *buffer, int size) {
    struct avir_entry entry;
    char text[MAX_STRING] = "";

    if (buffer == NULL || size <= 0)
        return;
    if (avir_enter(&entry)) {
        avirErrorMessage(text);
        avir_leave(&entry);
    } else {
        memcpy(text, refused, sizeof refused);
    }
    give_text(buffer, (size_t)size, text);
}

/* Each entry is copied by itself, because a list without an end must not be read beyond its memory. */
static int get_option(const avir_plugin_config *list, int i, avir_plugin_config *option) {
    const char *last = (const char *)(list + i + 1) - 1;

    return (i == 0 || avir_is_mapped(last)) && avir_copy(option, list + i, sizeof *option) == 0 &&
           option->name[0] != 0;
}

static int set_plugin_config(const avir_plugin_config *config) {
    struct avir_entry entry;
    avir_plugin_config option;
    int i, known = 0;

    if (config == NULL)
        return 0;
    for (i = 0; i < MAX_OPTIONS && get_option(config, i, &option); i++) {
        if (!avir_enter(&entry))
            break;
        known += avirSetOption(&option);
        avir_leave(&entry);
    }
    return known;
}

static avir_plugin_config *get_plugin_config(void) {
    struct avir_entry entry;
    avir_plugin_config *config = NULL;

    if (avir_enter(&entry)) {
        config = avirGetConfig();
        avir_leave(&entry);
    }
    return config;
}

static void free_plugin_config(avir_plugin_config *config) {
    if (!avir_in_child()) /* a child's heap may be locked for ever */
        free(config);
}

static int plugin_init(AV_LOG_CALLBACK_NEW log) {
    struct avir_entry entry;
    int done = 0;

    if (avir_enter(&entry)) {
        avir_handlers_on_stack();
        done = avirInit(log);
        avir_leave(&entry);
    }
    return done;
}

static int plugin_close(void) {
    struct avir_entry entry;
    int done = 0;

    if (avir_enter(&entry)) {
        done = avirClose();
        avir_leave(&entry);
    }
    return done;
}

static int plugin_thread_init(void **context) {
    struct avir_entry entry;
    uintptr_t handle = 0;

    if (context == NULL || avir_copy(context, &handle, sizeof handle) != 0)
        return 0;
    if (avir_enter(&entry)) {
        handle = avirThreadInit();
        avir_leave(&entry);
    }
    avir_copy(context, &handle, sizeof handle);
    return handle != 0;
}

static int plugin_thread_close(void **context) {
    const uintptr_t none = 0;
    struct avir_entry entry;
    uintptr_t handle;
    int done = 0;

    if (context == NULL || avir_copy(&handle, context, sizeof handle) != 0)
        return 0;
    avir_copy(context, &none, sizeof none);
    if (handle != 0 && avir_enter(&entry)) {
        done = avirThreadClose(handle);
        avir_leave(&entry);
    }
    return done;
}

/* Where the copies of a thread's names go: no thread has two calls that need them at once. */
static char *names_of_this_thread(void) {
    struct avir_thread *thread = avir_in_child() ? NULL : avir_this_thread();

    if (thread != NULL && thread->names == NULL)
        thread->names = malloc(2 * AVIR_NAME);
    return thread != NULL ? thread->names : NULL;
}

static int scan(void *context, const char *filename, const char *realname, char *text, size_t size) {
    struct avir_entry entry;
    char *names = names_of_this_thread();
    long length = 0, real_length = 0;
    int verdict = AVCHK_FAILED;

    if (names != NULL && filename != NULL)
        length = avir_copy_name(names, filename);
    if (names != NULL && realname != NULL)
        real_length = avir_copy_name(names + AVIR_NAME, realname);
    if (length < 0 || real_length < 0) {
        memcpy(text, "bad file name", sizeof "bad file name");
    } else if (names != NULL && avir_enter(&entry)) {
        verdict = avirTestFile(entry.thread, (uintptr_t)context, names, (int)length, names + AVIR_NAME,
                               (int)real_length, text, (int)size);
        avir_leave(&entry);
    } else {
        memcpy(text, refused, sizeof refused);
    }
    return verdict;
}

static int plugin_thread_test_file(void *context, const char *filename, const char *realname, char *reserved,
                                   unsigned int reserved_size, char *vir_info, unsigned int vi_size) {
    char text[MAX_STRING];
    int verdict;

    (void)reserved;
    (void)reserved_size;
    text[0] = 0; /* clearing all of it would take as long as a copy of the names */
    verdict = scan(context, filename, realname, text, vi_size < sizeof text ? vi_size : sizeof text);
    return give_text(vir_info, vi_size, text) ? verdict : AVCHK_FAILED;
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
    const unsigned int ours = AVIR_IFACE_VERSION;

    if (version != NULL)
        avir_copy(version, &ours, sizeof ours);
    return &table;
}
