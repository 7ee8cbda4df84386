/* The Taylor series of all neurons and pulls.

   All u_i of a neuron are sums of the same d_l, so none of them is stored but u_0:

       u_i = Σ_l a_{i−1−l} d_l / i
       (i+1) a_{i+1} = d_i·u_0 + Σ_s a_{i−1−s} Σ_l d_l·d_{s−l} / (i − l)               s < i
       d_i = −κ (Σ_j w_j a_i u_0 + Σ_s d_s Σ_j w_j Σ_l a_l a_{i−1−s−l} / (i − l))    w = e^{2σ}

   Sums over the neurons of a sample and over the samples of a neuron go by eights of neurons. Of
   four there are 16 choices of some, so what those add up to is looked up in a table, and what
   samples add to each choice is gathered in a bucket, from which neurons take theirs. Faint
   neurons, whose weights are too small to be felt within a step, are left out of the pulls. */
#ifndef SERIES_H
#define SERIES_H

#include <math.h>

#include "state.h"

enum { BLOCK = 4, ROW = 24 }; /* numbers of a sample that are added at once, that it has */
enum { SOME = 1 << BLOCK };   /* choices of some of four neurons */

/* How many eights of neurons there are, and how many of them have felt ones. */
typedef struct {
    int64_t all, felt;
} Eights;

/* A block, added at once. */
typedef double Block __attribute__((vector_size(BLOCK * sizeof(double)), aligned(8), may_alias));

static inline double total_of(const Block *x) { return ((*x)[0] + (*x)[2]) + ((*x)[1] + (*x)[3]); }

/* Σ_q x_q y_q over whole blocks. */
static inline double dot_of_blocks(const double *x, const double *y, int64_t count)
{
    Block total = {0.0};
    for (int64_t q = 0; q < count; q += BLOCK)
        total += *(const Block *)(x + q) * *(const Block *)(y + q);
    return total_of(&total);
}

static inline int64_t to_blocks(int64_t count) { return (count + BLOCK - 1) / BLOCK * BLOCK; }

/* Where row s of a neuron's `gram` begins; it holds d_l·d_{s−l} for l ≤ s/2. */
static inline int64_t gram_place(int64_t s)
{
    int64_t eights = s / 8;
    return 4 * (4 * eights * (eights + 1) + (s - 8 * eights) * (eights + 1));
}

/* a_0 of a neuron, a_1 before it, and so on; zeros after it. */
static inline double *series_of(const Work *work, int64_t j)
{
    return work->backwards + j * (2 * ROW + BLOCK) + ROW;
}

/* d_0, d_1, ... of a sample, after a row of zeros or those of the sample before. */
static inline double *row_of_pulls(const Work *work, int64_t k)
{
    return work->terms + (k + 1) * ROW;
}

/* How far a series reaches whose term of that order is of that size. */
static inline double reach(double tol, double size, int64_t order)
{
    return size == 0.0 ? INFINITY : pow(tol / size, 1.0 / (double)order);
}

void fill_felt(const Constants *constants, const State *state, Work *work);
Eights begin_series(const Constants *constants, const State *state, Work *work);
double next_terms(const Constants *constants, const State *state, Work *work, Eights eights,
                  int64_t i);
void restore_outputs(const State *state, const Work *work, int64_t order);
void fill_gram_shares(const Work *work, int64_t i, double *share);
double pull_on_rest(const double *gram, const double *series, int64_t i, const double *share);

#endif
