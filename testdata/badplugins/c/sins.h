/* The sins, and the places in an honest plugin where they are committed. */
#ifndef SINS_H
#define SINS_H

#include <pthread.h>

#include "avApi.h"

/* harness/README.md says which check of the harness finds each of these. */
enum sin {
    NONE,
    ABORT_AT_EXIT,
    ALTERNATE_STACK_ONCE,
    BIG_STACK,
    BLOCK_IN_CLOSE,
    BLOCK_IN_INIT,
    CASE_SENSITIVE,
    CHANGE_DIRECTORY,
    CHANGE_DUMPABLE,
    CHANGE_ENVIRONMENT,
    CHANGE_HANDLER,
    CHANGE_LOCALE,
    CHANGE_MASK,
    CHANGE_NAME,
    CHANGE_PRIORITY,
    CHANGE_UMASK,
    COUNT_UNKNOWN,
    CRASH_IN_CHILD,
    CRASH_IN_SCAN,
    CRASH_ON_NULL,
    CRASH_WITHOUT_VERSION,
    CUT_SIZES,
    DEFAULT_STACKS,
    DEL_IN_TEXT,
    DISABLE_CANCEL,
    DISABLE_CANCEL_AT_INIT,
    ENDLESS_ERROR,
    ERROR_NOT_ASCII,
    EXIT_IN_CHILD,
    EXIT_IN_SCAN,
    EXIT_THREAD,
    EXPORT_STATE,
    FAIL_CLOSE,
    FAIL_IN_SMALL_ROOM,
    FAIL_SECOND_INIT,
    FEW_CONTEXTS,
    FOREIGN_DESCRIPTION,
    FREE_UNDER_SCANS,
    GIVE_UP_ON_SIGNAL,
    HANG_AT_EXIT,
    HANG_IN_SCAN,
    HUGE_MAPPING,
    INHERITED_DESCRIPTOR,
    INHERITED_IN_SCAN,
    KEEP_CONTEXT,
    LEAK_DESCRIPTOR,
    LEAK_INFECTED,
    LEAK_IN_INIT,
    LEAK_IN_THREAD,
    LEAK_MEMORY,
    LEAK_THREADS,
    LEAVE_GROUP,
    LEAVE_PROCESS,
    LOCK_IN_LOG,
    LOCK_OVER_CANCEL,
    LOCK_OVER_FORK,
    LOG_BINARY,
    LOG_FORMAT,
    LOG_LONG,
    LONG_ERROR,
    MANY_THREADS,
    MAP_IN_THREAD,
    NEW_SYSCALL,
    NOT_ASCII,
    NO_DESCRIPTION,
    NO_TERMINATOR,
    OK_BEFORE_INIT,
    OK_FOR_ENCRYPTED,
    OK_FOR_FOLDER,
    OK_FOR_LONG_PATH,
    OK_FOR_MISSING,
    OK_IN_CHILD,
    OK_WHEN_CLOSED,
    OK_WHILE_CLOSING,
    OPEN_FIFO,
    OPEN_REALNAME,
    PAST_VIR_INFO,
    RAISE_LIMIT,
    READ_DEVICES,
    READ_ENVIRONMENT,
    READ_FIFO,
    READ_INTO_ROOM,
    READ_PAST_END,
    RESERVED_FIELD,
    RESERVED_SLOT,
    RESET_FAULT,
    RETURN_7,
    RETURN_CURED,
    RETURN_ERROR,
    RUN_PROGRAM,
    SHARED_CONTEXT,
    SHARED_OPTIONS,
    SHORT_PATHS,
    SHORT_VALUES,
    SHUFFLE_OPTIONS,
    SMALL_ALTERNATE_STACK,
    START_TIMER,
    STOP_SCANNING,
    SWALLOW_FAULT,
    TAKE_URGENT,
    THREADS_IN_INIT,
    UNNAMED,
    WAIT_FOR_CONTEXTS,
    WRITE_STDERR,
    WRITE_STDOUT,
    WRONG_CUT,
    WRONG_NAME,
    WRONG_VERSION,
};

/* The sin is chosen with -DSIN=NAME, or in the finished library: the tests write
 * a number behind the mark, which is faster than to compile each. */
#ifndef SIN
#define SIN (*(const volatile enum sin *)&chosen.sin)
#endif
struct chosen {
    char mark[16];
    enum sin sin;
};

/* Under RTLD_GLOBAL a second plugin must not see these. */
#pragma GCC visibility push(hidden)

extern const struct chosen chosen;

/* Called at the load, in plugin_init, plugin_close, plugin_thread_init and
 * get_error_message. sin_init returns what plugin_init does. */
void sin_load(avir_plugin_extended_thread_iface *table, unsigned *version);
int sin_init(AV_LOG_CALLBACK_NEW log);
void sin_close(void);
void sin_thread(void);
void sin_message(void);

/* Called around the scan. They may change the result and vir_info. */
void sin_before_scan(const char *path);
int sin_after_scan(int result, const char *path, char *vir_info, unsigned size);

/* sin_starts_threads starts threads that stay, or aborts. attr may be NULL. */
void sin_starts_threads(int count, const pthread_attr_t *attr);

/* sin_loses takes memory, uses it, and forgets it. */
void sin_loses(unsigned size);

/* sin_reads_into lets the kernel write a name into vir_info. Returns 0 if it can't. */
int sin_reads_into(char *vir_info);

/* sin_blocks never returns. */
void sin_blocks(void);

/* sin_in_child tells whether this process was forked after plugin_init. */
int sin_in_child(void);

extern AV_LOG_CALLBACK_NEW sin_log;
extern pthread_mutex_t sin_lock;    /* some sins hold it at a bad moment */
extern int *volatile sin_scratch;   /* plugin_init makes it */
extern volatile unsigned sin_scans; /* since the load */

#pragma GCC visibility pop

#endif
