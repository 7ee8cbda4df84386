/* The least of some numbers, looked for in lanes: each comparison waits on the one before. */
#ifndef LEAST_H
#define LEAST_H

#include <math.h>
#include <stdint.h>

enum { LEAST_LANES = 8 };

/* min_i factor x_i, x_i not nan; infinite for none. */
static inline double least_of(double factor, const double *x, int64_t n)
{
    double lane[LEAST_LANES];
    int64_t i = 0;
    for (int l = 0; l < LEAST_LANES; l++)
        lane[l] = INFINITY;
    for (; i + LEAST_LANES <= n; i += LEAST_LANES)
        for (int l = 0; l < LEAST_LANES; l++)
            lane[l] = factor * x[i + l] < lane[l] ? factor * x[i + l] : lane[l];
    double least = INFINITY;
    for (; i < n; i++)
        least = fmin(least, factor * x[i]);
    for (int l = 0; l < LEAST_LANES; l++)
        least = fmin(least, lane[l]);
    return least;
}

#endif
