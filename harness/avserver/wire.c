#define _GNU_SOURCE
#include "wire.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Above what a plugin's own descriptors reach in the tests. */
#define FIRST_DESCRIPTOR 100

/* A text in a reply is cut here; three bytes for each still fit into a line. */
#define LONGEST_TEXT 1100

/* An id, the longest status ("error"), the blanks around them and the newline. */
#define FRAME (LONGEST_ID + 8)

static FILE *requests;
static int replies;

int wire_open(int in, int out) {
    int high = fcntl(in, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
    replies = fcntl(out, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
    if (high < 0 || replies < 0)
        return -1;
    close(in);
    close(out);
    requests = fdopen(high, "r");
    return requests ? 0 : -1;
}

static int hex(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* decode undoes the %XX of one word in place. */
static void decode(char *word) {
    char *to = word;
    for (const char *from = word; *from; from++) {
        if (*from != '%') {
            *to++ = *from;
        } else if (from[1] && hex(from[1]) >= 0 && hex(from[2]) >= 0) {
            *to++ = (char)(hex(from[1]) << 4 | hex(from[2]));
            from += 2;
        }
    }
    *to = 0;
}

int wire_read(struct request *r) {
    static char *line;
    static size_t size;
    do {
        ssize_t n = getline(&line, &size, requests);
        if (n <= 0 || line[n - 1] != '\n')
            return -1;
        r->count = 0;
        char *rest = NULL;
        for (char *word = strtok_r(line, " \n", &rest); word && r->count < MAX_WORDS;
             word = strtok_r(NULL, " \n", &rest))
            r->word[r->count++] = word;
    } while (r->count < 2);
    for (int i = 1; i < r->count; i++) /* the id goes back as it came */
        decode(r->word[i]);
    return 0;
}

/* encode appends a space and one word at to and returns its end. */
static char *encode(char *to, const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    unsigned n = 0;
    *to++ = ' ';
    if (!*text)
        *to++ = '%';
    for (const unsigned char *at = (const unsigned char *)text; *at && n < LONGEST_TEXT; at++, n++)
        if (*at <= ' ' || *at >= 0x7F || *at == '%') {
            *to++ = '%';
            *to++ = digits[*at >> 4];
            *to++ = digits[*at & 15];
        } else {
            *to++ = (char)*at;
        }
    return to;
}

static void put_line(const char *line, size_t size) {
    if (write(replies, line, size) < 0)
        _exit(0); /* the harness is gone */
}

void reply_start(struct reply *r, const char *id) {
    r->id = id;
    r->used = 0;
    r->line = malloc(PIPE_BUF);
}

/* finish puts the id and the status in front of the words collected so far. */
static void finish(struct reply *r, const char *status) {
    char line[PIPE_BUF];
    if (!r->line)
        return;
    size_t n = (size_t)sprintf(line, "%.*s %s", LONGEST_ID, r->id, status);
    memcpy(line + n, r->line, r->used);
    n += r->used;
    line[n++] = '\n';
    put_line(line, n);
    r->used = 0;
}

/* longest_word is how many bytes encode may need for a text. */
static size_t longest_word(const char *text) {
    size_t n = strlen(text);
    return 2 + 3 * (n < LONGEST_TEXT ? n : LONGEST_TEXT);
}

void reply_text(struct reply *r, const char *key, const char *value) {
    if (!r->line)
        return;
    if (FRAME + r->used + longest_word(key) + longest_word(value) > PIPE_BUF)
        finish(r, "more");
    char *end = encode(r->line + r->used, key);
    r->used = (unsigned)(encode(end, value) - r->line);
}

void reply_number(struct reply *r, const char *key, long long value) {
    char text[24];
    snprintf(text, sizeof text, "%lld", value);
    reply_text(r, key, text);
}

void reply_ok(struct reply *r) {
    finish(r, "ok");
    free(r->line);
}

void reply_error(struct reply *r, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    r->used = 0;
    if (r->line)
        r->used = (unsigned)(encode(r->line, text) - r->line);
    finish(r, "error");
    free(r->line);
}

void wire_event(const char *kind, const char *first, const char *second) {
    char *line = malloc(PIPE_BUF); /* not the stack: the caller's may be small */
    if (!line)
        return;
    strcpy(line, kind);
    char *end = encode(line + strlen(kind), first);
    end = encode(end, second);
    *end++ = '\n';
    put_line(line, (size_t)(end - line));
    free(line);
}
