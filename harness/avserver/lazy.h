/* Memory that the host's handler of SIGSEGV makes accessible when it is touched,
 * as runtimes do that reserve much memory and commit what is used. */
#ifndef LAZY_H
#define LAZY_H

/* lazy_take returns size bytes, at most LAZY_MAX, that nobody has touched; they
 * hold a copy of content, which may be NULL. It returns NULL without memory. */
#define LAZY_MAX 65536
void *lazy_take(const void *content, unsigned size);

/* lazy_commit is the handler. It returns 0 for a fault that is not its own. */
int lazy_commit(void *address);

/* endless returns a copy of a list of settings, size bytes without an entry that
 * ends it: behind the last one there is no memory. NULL when there is none at all. */
void *endless(const void *settings, unsigned size);

#endif
