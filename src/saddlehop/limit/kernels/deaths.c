/* Deaths in their order, those at the same A in the order of their samples: merge sort. */
#include "deaths.h"

#include <string.h>

#define RUN 16 /* deaths that are faster to insert than to merge */

static void insert(Death *deaths, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        Death death = deaths[i];
        int64_t j = i;
        for (; j > 0 && death.at < deaths[j - 1].at; j--)
            deaths[j] = deaths[j - 1];
        deaths[j] = death;
    }
}

/* Merge `from`, sorted up to `middle` and from there on, into `to`. */
static void merge(const Death *from, int64_t middle, int64_t n, Death *to)
{
    int64_t left = 0, right = middle;
    for (int64_t i = 0; i < n; i++) {
        int takes_right = left == middle || (right < n && from[right].at < from[left].at);
        to[i] = from[takes_right ? right : left];
        left += !takes_right;
        right += takes_right;
    }
}

/* Sort; `spare` is room for as many. */
void sort_deaths(Death *deaths, Death *spare, int64_t n)
{
    for (int64_t i = 0; i < n; i += RUN)
        insert(deaths + i, n - i < RUN ? n - i : RUN);
    Death *from = deaths, *to = spare;
    for (int64_t length = RUN; length < n; length *= 2) {
        for (int64_t i = 0; i < n; i += 2 * length) {
            int64_t count = n - i < 2 * length ? n - i : 2 * length;
            merge(from + i, length < count ? length : count, count, to + i);
        }
        Death *filled = to;
        to = from;
        from = filled;
    }
    if (from != deaths)
        memcpy(deaths, from, (size_t)n * sizeof *deaths);
}
