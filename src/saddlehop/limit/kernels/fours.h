/* Four small systems of equations at once, one in each lane.
 *
 * Lanes are summed in one order, so results do not depend on what the processor adds at once.
 */
#ifndef FOURS_H
#define FOURS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 4
#define PLACES 10 /* of a step; as in lone.py */

typedef double Lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(8), may_alias));

static inline double sum_of(const Lanes *x)
{
    return ((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3]);
}

static inline double largest_in(const Lanes *x)
{
    return fmax(fmax((*x)[0], (*x)[1]), fmax((*x)[2], (*x)[3]));
}

/* Put the factors LU in place of matrices, with inverse pivots. Rows are not exchanged: all matrices
 * here are I plus what integrates over a step. */
static inline void factor(Lanes a[PLACES][PLACES])
{
    for (int i = 0; i < PLACES; i++) {
        for (int k = 0; k < i; k++) {
            a[i][k] *= a[k][k];
            for (int j = k + 1; j < PLACES; j++)
                a[i][j] -= a[i][k] * a[k][j];
        }
        a[i][i] = 1 / a[i][i];
    }
}

/* row −= Σ_{from ≤ k < to} a_k (row k of b) */
static inline void reduce(const Lanes *a, int from, int to, const Lanes *b, const int n, Lanes *row)
{
    Lanes sum[PLACES + 1];
    memcpy(sum, row, (size_t)n * sizeof *row);
    for (int k = from; k < to; k++)
        for (int c = 0; c < n; c++)
            sum[c] -= a[k] * b[k * n + c];
    memcpy(row, sum, (size_t)n * sizeof *row);
}

/* Put solutions in place of the n columns of b (PLACES, n). */
static inline void solve_factored(Lanes lu[PLACES][PLACES], Lanes *b, const int n)
{
    for (int i = 0; i < PLACES; i++)
        reduce(lu[i], 0, i, b, n, b + i * n);
    for (int i = PLACES - 1; i >= 0; i--) {
        reduce(lu[i], i + 1, PLACES, b, n, b + i * n);
        for (int c = 0; c < n; c++)
            b[i * n + c] *= lu[i][i];
    }
}

#endif
