/* A call of one of the plugin's functions with arguments that a request chooses. */
#ifndef CALL_H
#define CALL_H

#include <stdint.h>

#include "requests.h"

struct call;

/* call_prepare reads SLOT ARGUMENT... from the request's words, from index first
 * on; call.c lists the arguments. On a mistake it answers and returns NULL. The
 * caller frees the call; what its arguments point to stays. */
struct call *call_prepare(const struct server *s, const struct request *r, int first, struct reply *reply);

/* call_make makes the call. Where the function returns an int, only that much of
 * the result means something. */
intptr_t call_make(const struct call *c);

#endif
