#include "options.h"

#include <stdio.h>
#include <string.h>

#include "number.h"

static const char usage[] =
    "usage: avserver --plugin FILE [option]... [--] FILE...\n"
    "Loads an antivirus plugin as the product's antivirus server does and scans files with it.\n"
    "\n"
    "  --plugin FILE          the plugin, a library for the same kind of machine\n"
    "  --set NAME=VALUE       set one of the plugin's options; may be repeated\n"
    "  --threads N            most worker threads, 1 to 256 (default 8)\n"
    "  --kernel-floor V       hide system calls newer than Linux 2.6.32, 3.2 or 3.10\n"
    "  --info                 print the plugin's info and options, start nothing\n"
    "  --serve                take requests from the harness on descriptor 3, answer on 4\n"
    "  --limit NAME=N         set as (MiB), stack (KiB), nproc or nofile before anything else\n"
    "  --real-user UID        as root: let the process limit be that user's\n"
    "  --help                 print this\n"
    "\n"
    "Prints lines of fields with a tab between: info, option, init, verdict, close. A verdict line is\n"
    "  verdict <tab> OK|VIRUS_FOUND|IMPOSSIBLE|FAILED|ERROR <tab> file <tab> text\n"
    "Control characters and backslashes in a field are written as \\xNN. What the plugin logs goes to\n"
    "standard error.\n"
    "\n"
    "Exit status: 0 every file has a verdict, whatever it is; 1 the plugin did not load, start, answer\n"
    "as the interface says, or stop; 2 wrong use; 3 the plugin answered ERROR, on which the real server\n"
    "restarts itself.\n";

static int mistake(const char *what, const char *thing) {
    fprintf(stderr, "avserver: %s: %s (see avserver --help)\n", thing, what);
    return 2;
}

const char *add_setting(avir_plugin_config *settings, const char *name, const char *value) {
    unsigned n = 0;
    while (settings[n].name[0])
        n++;
    if (n == MAX_SETTINGS)
        return "too many options, 64 is the most";
    if (!*name || strlen(name) >= sizeof settings->name)
        return "an option's name has 1 to 31 bytes";
    if (strlen(value) >= sizeof settings->value)
        return "an option's value has at most 127 bytes";
    strcpy(settings[n].name, name);
    strcpy(settings[n].value, value);
    memset(&settings[n + 1], 0, sizeof *settings);
    return NULL;
}

static const char *set(struct options *o, const char *assignment) {
    const char *equals = strchr(assignment, '=');
    char name[sizeof o->settings->name];
    if (!equals)
        return "needs the form NAME=VALUE";
    size_t n = (size_t)(equals - assignment);
    if (n >= sizeof name)
        return "an option's name has 1 to 31 bytes";
    memcpy(name, assignment, n);
    name[n] = 0;
    return add_setting(o->settings, name, equals + 1);
}

/* forget takes an option and its value away from the arguments of reexecute. */
static void forget(char **argv, int i) {
    argv[i - 1] = argv[i] = NULL;
}

/* take stores the value of the named option; it returns what is wrong, or NULL. */
static const char *take(struct options *o, const char *name, char **argv, int i) {
    const char *value = argv[i];
    if (!strcmp(name, "--plugin")) {
        o->plugin = value;
        return NULL;
    }
    if (!strcmp(name, "--set"))
        return set(o, value);
    if (!strcmp(name, "--threads"))
        return parse_number(value, 256, &o->threads) || !o->threads ? "needs a number from 1 to 256" : NULL;
    if (!strcmp(name, "--real-user"))
        return parse_number(value, ~0u, &o->real_user) ? "needs a user number" : NULL;
    forget(argv, i);
    if (!strcmp(name, "--kernel-floor")) {
        o->kernel_floor = value;
        return NULL;
    }
    for (unsigned n = 0; n + 1 < sizeof o->limits / sizeof *o->limits; n++)
        if (!o->limits[n]) {
            o->limits[n] = value;
            return NULL;
        }
    return "is given too often";
}

static int has_value(const char *name) {
    static const char *const names[] = {"--plugin",       "--set",   "--threads",
                                        "--kernel-floor", "--limit", "--real-user"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name))
            return 1;
    return 0;
}

int parse_options(struct options *o, int argc, char **argv) {
    memset(o, 0, sizeof *o);
    o->threads = 8;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *name = argv[i];
        if (!strcmp(name, "--")) {
            i++;
            break;
        }
        if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
            fputs(usage, stdout);
            return -1;
        }
        if (!strcmp(name, "--info")) {
            o->info_only = 1;
        } else if (!strcmp(name, "--serve")) {
            o->serve = 1;
        } else if (!has_value(name)) {
            return mistake("unknown option", name);
        } else if (++i == argc) {
            return mistake("needs a value", name);
        } else {
            const char *wrong = take(o, name, argv, i);
            if (wrong)
                return mistake(wrong, name);
        }
    }
    o->files = argv + i;
    o->file_count = argc - i;
    if (o->serve)
        return 0;
    if (!o->plugin)
        return mistake("is missing", "--plugin");
    if (!o->info_only && !o->file_count)
        return mistake("no file to scan", o->plugin);
    return 0;
}
