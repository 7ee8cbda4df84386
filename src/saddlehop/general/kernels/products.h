/* Products of matrices, each entry summed in the order of the inner index. */
#ifndef GENERAL_PRODUCTS_H
#define GENERAL_PRODUCTS_H

#include <stdint.h>

enum { PANEL = 8 };

/* A matrix B (p, c) cut into panels of eight columns, the last filled up with zeros, one after another. */
typedef struct {
    const double *panels; /* (⌈c / 8⌉, p, 8) */
    int64_t p, c;
} Matrix;

/* C (q, c) = A (q, p) B */
void multiply(int64_t q, const double *a, const Matrix *b, double *product);

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
