/* The line protocol between the harness and avserver --serve.
 *
 * A line is words with a space between. In a word every byte that is not
 * printable ASCII, and '%', is written as %XX; a word that is "%" alone is empty.
 *
 *   to avserver:    ID VERB ARGUMENT...
 *   from avserver:  ID more KEY VALUE...     facts, continued on the next line
 *                   ID ok KEY VALUE...       the last facts
 *                   ID error TEXT            the request could not be carried out
 *                   log LEVEL TEXT           the plugin logged
 *                   danger WHY FORMAT        the plugin logged with a bad format
 *
 * No line from avserver is longer than PIPE_BUF, so one write is one line, from
 * any thread and without a lock. */
#ifndef WIRE_H
#define WIRE_H

#define MAX_WORDS 300

/* An answer repeats so much of its request's id. The harness uses numbers. */
#define LONGEST_ID 32

struct request {
    int count;
    char *word[MAX_WORDS]; /* 0 the id, 1 the verb */
};

/* wire_open moves the two descriptors out of the way of the plugin, to numbers
 * of 100 and more. Returns 0 or -1. */
int wire_open(int in, int out);

/* wire_read waits for the next request. Its words live until the next call.
 * Returns 0, or -1 when the harness is gone. */
int wire_read(struct request *r);

struct reply {
    const char *id;
    unsigned used;
    char *line; /* PIPE_BUF bytes, or NULL when there was no memory */
};

void reply_start(struct reply *r, const char *id);
void reply_text(struct reply *r, const char *key, const char *value);
void reply_number(struct reply *r, const char *key, long long value);
void reply_ok(struct reply *r);
void reply_error(struct reply *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* wire_event sends kind and two words, of which the first is short, as log and
 * danger need. */
void wire_event(const char *kind, const char *first, const char *second);

#endif
