/* The log callback that the host gives to the plugin. */
#ifndef LOG_H
#define LOG_H

/* The host cuts a formatted line here. */
#define LOG_LINE 1024

enum log_level { LOG_DEBUG, LOG_PROGRESS, LOG_WARNING, LOG_ERROR, LOG_SECURITY };

extern const char *const log_level_name[];

/* log_sink gets each line without its prefix; it may run on any thread, on
 * several at once. Set it before a plugin is loaded. */
extern void (*log_sink)(enum log_level level, const char *text);

/* log_danger, when set, gets a format string that the plugin should not have
 * used, and why; the line is then dropped instead of formatted. */
extern void (*log_danger)(const char *format, const char *why);

/* log_marker, when set, is a text that the host put into file names and
 * options: a format that holds it was built from input. */
extern const char *log_marker;

/* host_log is the callback itself. */
void host_log(const char *format, ...);

#endif
