/* One neuron under constant pulls d_k, exactly, for any length of time.

   With A = ∫ a dt, its alive coordinates are u_k + d_k A; between two deaths, with
   ρ² = Σ d_k² and b = ȧ = Σ d_k u_k over what is alive,

       a(A)² = a² + 2 b A + ρ² A²,   b(A) = b + ρ² A,   (ρ a ± b) ∝ e^{±ρ t}
       a(t) = e^{ρt} [a (1 + E²) + (b/ρ)(1 − E²)] / 2                with E = e^{−ρt}
       A(t) = e^{ρt} (1 − E) [a (1 + E) + (b/ρ)(1 − E)] / (2ρ)

   Deaths are met in the order of u_k / |d_k|, and a crosses zero at most once. Everything is
   mirrored so that a ≥ 0. */
#ifndef PULL_H
#define PULL_H

#include "state.h"

/* Share of ρa below which |ρa + b| is rounding: the neuron decays for ever. */
#define SNAP (16.0 * EPS)

static const double UNBOUNDED = 1e140;

/* The pairs of one neuron and the pulls on them; dead ones hold a hidden weight below 0. */
typedef struct {
    double *hidden, *pull;
    int64_t count;
} Pairs;

/* An output weight with the growth e^{growth} taken out. */
typedef struct {
    double growth, a;
} Grown;

Grown pull_pairs(double a, Pairs pairs, double time, double bound, Work *work, Piece *piece);
Grown output_at(const Piece *piece, double time);
void pull_one(State *state, Work *work, int64_t j, double time);
void pull_all(State *state, Work *work, double time);

/* How long the pulls may be taken constant, the fastest rate, and whether all is learned. */
typedef struct {
    double length, fastest;
    bool finished;
} Plateau;

Plateau plateau(const Constants *constants, const State *state, const Work *work, double least);

#endif
