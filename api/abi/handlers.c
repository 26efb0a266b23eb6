/*
 * Go turns three faults into panics and interrupts its own loops by SIGURG.
 * Its handlers would take these signals from the host. So ours is installed
 * above them: it gives each signal to Go when the thread is inside Go, and to
 * the host otherwise, in the way in which the kernel would have given it to
 * the host without the library.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "host.h"

#ifdef __x86_64__
enum { CODE = REG_RIP };
#else
enum { CODE = REG_EIP };
#endif

enum { KERNEL_MASK = 8 /* bytes of a signal mask in a frame; glibc's type is longer */ };

static struct shared {
    int number;
    struct sigaction host, go;
} shared[] = {{.number = SIGSEGV}, {.number = SIGBUS}, {.number = SIGFPE}, {.number = SIGURG}};

enum { SHARED = sizeof shared / sizeof *shared };

static int remembered;

static int has_handler(const struct sigaction *action) {
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* Calls the host's handler under the mask that it has asked for. */
static void call_host(struct shared *signal, siginfo_t *info, ucontext_t *context) {
    struct sigaction host = signal->host;
    sigset_t mask, interrupted;

    sigemptyset(&interrupted);
    memcpy(&interrupted, &context->uc_sigmask, KERNEL_MASK);
    sigorset(&mask, &interrupted, &host.sa_mask);
    if (!(host.sa_flags & SA_NODEFER))
        sigaddset(&mask, signal->number);
    if (host.sa_flags & SA_RESETHAND)
        signal->host.sa_handler = SIG_DFL;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    host.sa_sigaction(signal->number, info, context);
}

/*
 * A fault comes again when this returns, and then has its default effect. A
 * signal that somebody sent doesn't: it is sent once more.
 */
static void die(int number, const siginfo_t *info) {
    struct sigaction standard;

    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(number, &standard, NULL);
    if (info->si_code <= 0)
        raise(number);
}

static void fault_of_host(struct shared *signal, siginfo_t *info, ucontext_t *context) {
    uintptr_t next = avir_after_copy((uintptr_t)context->uc_mcontext.gregs[CODE]);

    if (has_handler(&signal->host))
        call_host(signal, info, context);
    else if (info->si_code > 0 && next != 0)
        context->uc_mcontext.gregs[CODE] = (greg_t)next;
    else if (info->si_code > 0 || signal->host.sa_handler == SIG_DFL)
        die(signal->number, info);
}

/*
 * Go sends a thread no second interrupt before it has seen the first, and
 * forgets to count one that comes just after the thread has left Go: a loop
 * in a later call would never be interrupted. So those are kept for that call,
 * which sends itself one: see takeInterrupts.
 */
static void interrupt(struct shared *signal, struct avir_thread *thread, siginfo_t *info, void *context) {
    int from_go = thread != NULL && info->si_code == SI_TKILL && info->si_pid == (pid_t)syscall(SYS_getpid);

    if (from_go && thread->runs_go)
        signal->go.sa_sigaction(signal->number, info, context);
    else if (from_go)
        thread->interrupts = 1;
    if (from_go && thread->inside_go)
        return;
    if (has_handler(&signal->host))
        call_host(signal, info, context);
}

static void handle(int number, siginfo_t *info, void *context) {
    struct avir_thread *thread = avir_known_thread();
    struct shared *signal = shared;
    int err = errno;

    while (signal->number != number)
        signal++;
    if (number == SIGURG)
        interrupt(signal, thread, info, context);
    else if (thread != NULL && thread->inside_go)
        signal->go.sa_sigaction(number, info, context);
    else
        fault_of_host(signal, info, context);
    errno = err;
}

void avir_remember_host_handlers(void) {
    int i;

    for (i = 0; i < SHARED; i++)
        if (sigaction(shared[i].number, NULL, &shared[i].host) != 0)
            return;
    remembered = 1;
}

/*
 * Go's handlers count on a mask in which everything is blocked. The host's
 * choice whether SIGURG interrupts its system calls is kept.
 */
void avir_share_handlers(void) {
    struct sigaction ours;
    int i;

    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = handle;
    sigfillset(&ours.sa_mask);
    for (i = 0; remembered && i < SHARED; i++) {
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
        if (sigaction(shared[i].number, NULL, &shared[i].go) != 0 || !has_handler(&shared[i].go))
            continue;
        if (!has_handler(&shared[i].host) || (shared[i].host.sa_flags & SA_RESTART))
            ours.sa_flags |= SA_RESTART;
        sigaction(shared[i].number, &ours, NULL);
    }
}
