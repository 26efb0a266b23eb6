/*
 * avApi.h - the interface between Kerio's antivirus server and a plugin
 *
 * A plugin is a shared library, 32-bit on i386, whose file is called
 * avir_NAME.so and which exports exactly one function:
 *
 *     avir_plugin_extended_thread_iface *get_plugin_extended_iface(unsigned int *version);
 *
 * The server (the "host") loads it with dlopen in a process of its own,
 * avserver, and calls the functions in the returned table. This header is all
 * that a plugin in C or C++ needs; testdata/cplugin is one that uses no more.
 *
 * The order of the calls
 *
 *     get_plugin_extended_iface  once, on a thread that is not the main one
 *     get_plugin_info            |
 *     set_plugin_config          | on the same thread, in this order
 *     plugin_init                |
 *       plugin_thread_init       once on each scanning thread
 *       plugin_thread_test_file  any number of times on that thread
 *       plugin_thread_close      once, on that thread, when it has been idle
 *     plugin_close               once, on the main thread
 *
 * Scanning threads come and go while the plugin runs, several scan at once.
 * After plugin_close the host may call set_plugin_config and plugin_init
 * again. The process may also end at any point without any of the closing
 * calls. get_plugin_config and get_error_message come at any time.
 *
 * Rules for all functions
 *
 *   - They must return. A crash, an endless wait, exit(), an exception or a
 *     longjmp that leaves them takes the scanning of the whole server down.
 *   - Any pointer argument may be NULL unless it is said otherwise.
 *   - Text into the plugin is UTF-8; file names are bytes to be opened as
 *     they are. Text out of it is 7-bit ASCII, and always ends in a NUL.
 *   - They leave the process as they found it: signal handlers, signal mask,
 *     limits, umask, working directory, locale, descriptors 0, 1 and 2.
 *   - In a child that the host forks, only the parent's plugin works.
 */
#ifndef AVAPI_H
#define AVAPI_H

#include <stddef.h>  /* offsetof, for the checks at the end */
#include <strings.h> /* strcasecmp, for stricmp */

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define AVIR_EXPORT __attribute__((visibility("default")))
/* Lets the compiler compare a format with the arguments behind it. */
#define AVIR_PRINTF(at, rest) __attribute__((__format__(__printf__, at, rest)))
#else
#define AVIR_EXPORT
#define AVIR_PRINTF(at, rest)
#endif

/* Names that sources for the product's own SDK use. */
#define DLL_EXPORT
#ifndef stricmp
#define stricmp(a, b) strcasecmp(a, b)
#endif

/* What *version must hold after get_plugin_extended_iface. */
#define AVIR_IFACE_VERSION 2

/* Sizes of fixed fields in bytes, the ending NUL included. */
#define AVIR_INFO_NAME 64
#define AVIR_INFO_DESCRIPTION 128
#define AVIR_INFO_RESERVED 64
#define AVIR_CONFIG_NAME 32
#define AVIR_CONFIG_VALUE 128

/* A size that holds any single text of this interface. */
#define MAX_STRING 512

/* What plugin_thread_test_file answers about one file. */
#define AVCHK_FAILED 0      /* an error while scanning this file: nothing is known about it */
#define AVCHK_OK 1          /* scanned to the end, and clean */
#define AVCHK_VIRUS_FOUND 2 /* infected; vir_info holds the name */
#define AVCHK_VIRUS_CURED 3 /* not supported by the host: don't answer it */
#define AVCHK_IMPOSSIBLE 4  /* can't be checked: encrypted, corrupted, over a limit */
#define AVCHK_ERROR 5       /* the plugin is broken: the host kills its process and loads it again */

/*
 * The host's log. Works like printf, and may be kept and called from any
 * thread until plugin_close returns. Nothing but a constant may be the format:
 * text from outside goes through "%s". One line a call, without a line break.
 * The host cuts the result at 1024 bytes. How it begins says what it is:
 *
 *     "ERR: "    an error
 *     "WRN: "    a warning
 *     "SEC: "    an event for the security log
 *     "PRO: 42"  progress of a long operation
 *     other      debug output, by custom "External_plugin: "
 */
typedef void (*AV_LOG_CALLBACK_NEW)(const char *format, ...) AVIR_PRINTF(1, 2);

/*
 * What the plugin is. name is the library's file name without path and
 * extension ("avir_example"); description is for the administrator, and
 * names the antivirus and the plugin's version. The reserved fields are 0.
 */
typedef struct avir_plugin_info_s {
    char name[AVIR_INFO_NAME];
    char description[AVIR_INFO_DESCRIPTION];
    char reserved[AVIR_INFO_RESERVED];
    int reserved2;
} avir_plugin_info;

/*
 * One option. Names are compared without case. A list of options is an array
 * whose last element has an empty name.
 */
typedef struct avir_plugin_config_s {
    char name[AVIR_CONFIG_NAME];
    char value[AVIR_CONFIG_VALUE];
} avir_plugin_config;

/*
 * The table. It stays the plugin's, is never changed or freed, and every
 * member but the reserved ones is a function.
 */
typedef struct avir_plugin_extended_thread_iface_s {
    /*
     * Fills *info, which is the host's.
     */
    void (*get_plugin_info)(avir_plugin_info *info);

    /*
     * Writes why the last plugin_init (or update) failed, or an empty text,
     * into buffer, which is the host's and has bufsize bytes. The text is cut
     * to fit. A bufsize of 0 or less: nothing is written.
     */
    void (*get_error_message)(char *buffer, int bufsize);

    /*
     * Takes the administrator's options from a list that is the host's and
     * is gone after the call. Options that it doesn't name keep their value,
     * names that the plugin doesn't know are skipped. Called before each
     * plugin_init, perhaps with an empty list. A field may lack its NUL.
     *
     * Returns how many entries had a name that the plugin knows.
     */
    int (*set_plugin_config)(const avir_plugin_config *config);

    /*
     * Returns all options with their present values as a list made for the
     * caller, in the order in which the administrator shall see them; the
     * last element is all zero. The caller gives it to free_plugin_config.
     * NULL when there is no memory for it.
     */
    avir_plugin_config *(*get_plugin_config)(void);

    /*
     * Frees a list from get_plugin_config. NULL is allowed.
     */
    void (*free_plugin_config)(avir_plugin_config *config);

    /*
     * Makes the plugin ready to scan, with the options set so far. log stays
     * valid until plugin_close returns. It may take some time, which the
     * administrator spends waiting: a minute or two at most.
     *
     * Returns 1, or 0 when the plugin can't scan; the host then asks
     * get_error_message why.
     */
    int (*plugin_init)(AV_LOG_CALLBACK_NEW log);

    /*
     * Ends what plugin_init began; nothing of the plugin runs or logs after
     * it. Scans may still be running: they are answered with AVCHK_FAILED
     * soon. plugin_thread_close may come later than this.
     *
     * Returns 1, or 0 on an error that is not to be mended.
     */
    int (*plugin_close)(void);

    /* NULL, all four. */
    void *reserved1;
    void *reserved2;
    void *reserved3;
    void *reserved4;

    /*
     * Makes the state of one scanning thread and stores it in *context, which
     * the host keeps and passes to the two functions below. What it points to
     * is the plugin's.
     *
     * Returns 1, or 0 with *context NULL.
     */
    int (*plugin_thread_init)(void **context);

    /*
     * Frees what plugin_thread_init made, and sets *context to NULL.
     *
     * Returns 1, or 0 when *context is no live context.
     */
    int (*plugin_thread_close)(void **context);

    /*
     * Scans one file. One thread at a time uses a context.
     *
     *   filename       the file to open; NULL is answered with AVCHK_FAILED
     *   realname       the name that the user gave it, perhaps the same, or
     *                  NULL; for messages and name-based rules only
     *   reserved       NULL, and its size 0: leave it alone
     *   vir_info       the host's; takes the virus name, or the reason for an
     *                  answer that is neither AVCHK_OK nor a virus
     *   vi_size        the size of vir_info in bytes, 256 today, perhaps 0;
     *                  the text is cut to vi_size - 1 and always ends in a NUL
     *
     * The file's owner is the host: it is only read, and may vanish meanwhile.
     *
     * Returns one of AVCHK_*. What was not scanned to the end is never
     * AVCHK_OK.
     */
    int (*plugin_thread_test_file)(void *context, const char *filename, const char *realname, char *reserved,
                                   unsigned int reserved_size, char *vir_info, unsigned int vi_size);
} avir_plugin_extended_thread_iface;

/*
 * The one exported symbol. Sets *version, which is 0 on entry, to
 * AVIR_IFACE_VERSION unless version is NULL, and returns the table. Called
 * before anything else, perhaps more than once.
 */
AVIR_EXPORT avir_plugin_extended_thread_iface *get_plugin_extended_iface(unsigned int *version);

/* A pointer to that function, as dlsym returns it. */
typedef avir_plugin_extended_thread_iface *(*GET_PLUGIN_EXTENDED_IFACE)(unsigned int *version);

/*
 * The host's layout, checked by the compiler where the host runs: an array
 * type of negative size stops it.
 */
#define AVIR_ASSERT(name, condition) typedef char avir_assert_##name[(condition) ? 1 : -1]

AVIR_ASSERT(config_size, sizeof(avir_plugin_config) == 160);
AVIR_ASSERT(config_value, offsetof(avir_plugin_config, value) == 32);
AVIR_ASSERT(info_size, sizeof(avir_plugin_info) == 260);
AVIR_ASSERT(info_description, offsetof(avir_plugin_info, description) == 64);
AVIR_ASSERT(info_reserved, offsetof(avir_plugin_info, reserved) == 192);
AVIR_ASSERT(info_reserved2, offsetof(avir_plugin_info, reserved2) == 256);
/* The table is 14 pointers without gaps: 56 bytes where a pointer has 4, 112 where it has 8. */
#if defined(__i386__) || defined(_M_IX86)
AVIR_ASSERT(pointer_size, sizeof(void *) == 4);
#elif defined(__x86_64__) || defined(_M_X64)
AVIR_ASSERT(pointer_size, sizeof(void *) == 8);
#endif
AVIR_ASSERT(iface_size, sizeof(avir_plugin_extended_thread_iface) == 14 * sizeof(void *));
#define AVIR_ASSERT_SLOT(number, member)                                                                     \
    AVIR_ASSERT(slot_##member, offsetof(avir_plugin_extended_thread_iface, member) == number * sizeof(void *))
AVIR_ASSERT_SLOT(0, get_plugin_info);
AVIR_ASSERT_SLOT(1, get_error_message);
AVIR_ASSERT_SLOT(2, set_plugin_config);
AVIR_ASSERT_SLOT(3, get_plugin_config);
AVIR_ASSERT_SLOT(4, free_plugin_config);
AVIR_ASSERT_SLOT(5, plugin_init);
AVIR_ASSERT_SLOT(6, plugin_close);
AVIR_ASSERT_SLOT(7, reserved1);
AVIR_ASSERT_SLOT(8, reserved2);
AVIR_ASSERT_SLOT(9, reserved3);
AVIR_ASSERT_SLOT(10, reserved4);
AVIR_ASSERT_SLOT(11, plugin_thread_init);
AVIR_ASSERT_SLOT(12, plugin_thread_close);
AVIR_ASSERT_SLOT(13, plugin_thread_test_file);

#ifdef __cplusplus
}
#endif

#endif /* AVAPI_H */
