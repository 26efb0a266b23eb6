/* The sins, and the places in an honest plugin where they are committed. */
#ifndef SINS_H
#define SINS_H

#include "avApi.h"

/* One of these is chosen with -DSIN=NAME; harness/README.md says which check
 * of the harness finds it. */
enum sin {
    NONE,
    ABORT_AT_EXIT,
    BIG_STACK,
    BLOCK_IN_CLOSE,
    BLOCK_IN_INIT,
    CASE_SENSITIVE,
    CHANGE_DIRECTORY,
    CHANGE_ENVIRONMENT,
    CHANGE_HANDLER,
    CHANGE_LOCALE,
    CHANGE_MASK,
    CHANGE_UMASK,
    CRASH_IN_SCAN,
    CRASH_ON_NULL,
    CUT_SIZES,
    DEFAULT_STACKS,
    EXIT_IN_SCAN,
    EXIT_THREAD,
    EXPORT_STATE,
    FAIL_SECOND_INIT,
    FEW_CONTEXTS,
    FREE_UNDER_SCANS,
    GIVE_UP_ON_SIGNAL,
    HANG_IN_SCAN,
    HUGE_MAPPING,
    INHERITED_DESCRIPTOR,
    INHERITED_IN_SCAN,
    LEAK_DESCRIPTOR,
    LEAK_IN_THREAD,
    LEAK_INFECTED,
    LEAK_MEMORY,
    LEAVE_GROUP,
    LEAVE_PROCESS,
    LOCK_IN_LOG,
    LOCK_OVER_CANCEL,
    LOCK_OVER_FORK,
    LOG_BINARY,
    LOG_FORMAT,
    LONG_ERROR,
    MANY_THREADS,
    NEW_SYSCALL,
    NO_TERMINATOR,
    NOT_ASCII,
    OK_FOR_MISSING,
    OK_WHEN_CLOSED,
    OPEN_FIFO,
    PAST_VIR_INFO,
    RAISE_LIMIT,
    READ_DEVICES,
    READ_ENVIRONMENT,
    RESERVED_SLOT,
    RETURN_7,
    RETURN_ERROR,
    SHARED_CONTEXT,
    SHARED_OPTIONS,
    SMALL_ALTERNATE_STACK,
    STOP_SCANNING,
    SWALLOW_FAULT,
    UNNAMED,
    WRITE_STDERR,
    WRITE_STDOUT,
    WRONG_NAME,
    WRONG_VERSION,
};

#ifndef SIN
#define SIN NONE
#endif

/* Called at the load, in plugin_init, plugin_close and plugin_thread_init.
 * sin_init returns 0 when init must fail. */
void sin_load(avir_plugin_extended_thread_iface *table, unsigned *version);
int sin_init(AV_LOG_CALLBACK_NEW log);
void sin_close(void);
void sin_thread(void);
void sin_message(void); /* in get_error_message */

/* Called around the scan. They may change the result and vir_info. */
void sin_before_scan(const char *path);
int sin_after_scan(int result, const char *path, char *vir_info, unsigned size);

#endif
