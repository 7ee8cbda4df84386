/* Sums in one order, whatever the compiler and the processor: eight side by side, then those. */
#ifndef LANES_H
#define LANES_H

#include <stdint.h>

enum { LANES = 8 };

/* The larger of what was found so far and `value`, which is left out if it is not a number. */
static inline double larger(double found, double value) { return value > found ? value : found; }

static inline double smaller(double found, double value) { return value < found ? value : found; }

/* max(value, 0); what is not a number stays so. */
static inline double positive_part(double value) { return 0.0 > value ? 0.0 : value; }

static inline double sum_of_lanes(const double lane[LANES])
{
    double even = (lane[0] + lane[4]) + (lane[2] + lane[6]);
    double odd = (lane[1] + lane[5]) + (lane[3] + lane[7]);
    return even + odd;
}

/* Σ_q x_q y_q */
static inline double dot(const double *x, const double *y, int64_t count)
{
    double lane[LANES] = {0.0};
    int64_t q = 0;
    for (; q + LANES <= count; q += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += x[q + l] * y[q + l];
    for (int l = 0; q + l < count; l++)
        lane[l] += x[q + l] * y[q + l];
    return sum_of_lanes(lane);
}

/* Σ_q x_q */
static inline double sum(const double *x, int64_t count)
{
    double lane[LANES] = {0.0};
    int64_t q = 0;
    for (; q + LANES <= count; q += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += x[q + l];
    for (int l = 0; q + l < count; l++)
        lane[l] += x[q + l];
    return sum_of_lanes(lane);
}

#endif
