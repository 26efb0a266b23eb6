#include "number.h"

int parse_number(const char *text, unsigned max, unsigned *number) {
    unsigned long long n = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        n = n * 10 + (unsigned)(*text - '0');
        if (n > max)
            return -1;
    }
    *number = (unsigned)n;
    return 0;
}
