/* The least of some numbers, looked for in lanes: each comparison waits on the one before. */
#ifndef LEAST_H
#define LEAST_H

#include <math.h>
#include <stdint.h>

#include "lanes.h"

/* min_i factor x_i, x_i not nan; infinite for none. */
static inline double least_of(double factor, const double *x, int64_t n)
{
    double lane[LANES];
    int64_t i = 0;
    for (int l = 0; l < LANES; l++)
        lane[l] = INFINITY;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = smaller(lane[l], factor * x[i + l]);
    double least = INFINITY;
    for (; i < n; i++)
        least = fmin(least, factor * x[i]);
    for (int l = 0; l < LANES; l++)
        least = fmin(least, lane[l]);
    return least;
}

#endif
