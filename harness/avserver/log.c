#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const log_level_name[] = {"debug", "progress", "warning", "error", "security"};

void (*log_sink)(enum log_level level, const char *text);
void (*log_danger)(const char *format, const char *why);
const char *log_marker;

static const struct {
    const char *prefix;
    enum log_level level;
} prefixes[] = {
    {"ERR: ", LOG_ERROR},
    {"WRN: ", LOG_WARNING},
    {"SEC: ", LOG_SECURITY},
    {"PRO: ", LOG_PROGRESS},
};

/* danger returns what is wrong with a format string, or NULL. The real host
 * hands it to its printf as it is. */
static const char *danger(const char *format) {
    if (!format)
        return "NULL";
    if (log_marker && strstr(format, log_marker))
        return "text from outside was used as the format";
    for (const char *at = format; (at = strchr(at, '%'));) {
        at++;
        at += strspn(at, "-+ #0123456789.*hlqjzt'");
        if (*at == 'n')
            return "%n writes to memory";
        if (!*at)
            return "ends inside a conversion";
        at++;
    }
    return NULL;
}

void host_log(const char *format, ...) {
    const char *why = danger(format);
    if (why) {
        if (log_danger)
            log_danger(format ? format : "", why);
        return;
    }
    char line[LOG_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (!log_sink)
        return;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t n = strlen(prefixes[i].prefix);
        if (!strncmp(line, prefixes[i].prefix, n)) {
            log_sink(prefixes[i].level, line + n);
            return;
        }
    }
    log_sink(LOG_DEBUG, line);
}
