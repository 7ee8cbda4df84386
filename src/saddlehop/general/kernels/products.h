/* Products of matrices, each entry summed in the order of the inner index. */
#ifndef PRODUCTS_H
#define PRODUCTS_H

#include <stdint.h>

/* C (q, c) = A (q, p) B (p, c) */
void multiply(int64_t q, int64_t p, int64_t c, const double *a, const double *b, double *product);

/* y += s x */
static inline void add(double *restrict y, const double *restrict x, double s, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        y[i] += s * x[i];
}

/* Σ_p c_p t^p of `terms` coefficients that lie `stride` apart */
static inline double value_of(const double *c, int64_t terms, int64_t stride, double t)
{
    double value = c[(terms - 1) * stride];
    for (int64_t p = terms - 2; p >= 0; p--)
        value = value * t + c[p * stride];
    return value;
}

/* The same for `count` series side by side, whose terms are rows `stride` apart */
void values_of(const double *c, int64_t terms, int64_t stride, int64_t count, double t, double *out);

/* Move the origin of such series to t, in place. */
void shift(double *c, int64_t terms, int64_t stride, int64_t count, double t);

#endif
