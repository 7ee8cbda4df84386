/* The orbit of a lone neuron, in units in which it grows like exp(t) and reaches a = 1.
 *
 * With s = ∫ a² dt, r = 1 / a and what it weighs on a class, u_k = w_c β_k, the orbit is
 *
 *     w_c' = p_c (r − w_c),     1 / r² = Σ_c M_c w_c²,     dt = r² ds,
 *
 * each w_c a filter of r. Its residual fraction is f_c = 1 − w_c / r, its push p_c f_c = w_c' / r.
 * Near s = 0 there are power series, r = s^(−1/2) κ(s), w = s^(1/2) ω(s); then panels, each with
 * one collocation at Radau's points, so that filters faster than a panel do not shorten it; they
 * end where f is so small that its square may be left out.
 */
#ifndef LONE_H
#define LONE_H

#include "fours.h"

#define TERMS 18 /* of the power series; as in lone.py */

/* Nodes that stand for the classes. */
typedef struct {
    const double *pulls, *masses; /* (N,) */
    int64_t n_nodes;
} Lone;

/* Radau's points in (0, 1]. */
typedef struct {
    const double *points;    /* (PLACES,) the last is 1 */
    const double *integrals; /* (PLACES, PLACES) from 0 to each point of the polynomial through values */
    const double *tops;      /* (2, PLACES) its coefficients of highest degree */
    const double *levers;    /* (PLACES,) 1 / Π (point − other point) */
} Radau;

/* The power series. */
typedef struct {
    double *squares; /* (TERMS,) of s r² */
    double *pushes;  /* (N, TERMS) */
    double *weights; /* (N, TERMS) ω */
    double *sizes;   /* (2, TERMS) κ, and its square's inverse */
} Series;

/* One panel. */
typedef struct {
    double start, length; /* s */
    double time;          /* t at its start */
    double times[PLACES]; /* t, r at its points */
    double sizes[PLACES];
    double pushes[]; /* (N, PLACES) */
} Panel;

static inline int64_t panel_width(int64_t n_nodes)
{
    return 3 + 2 * PLACES + n_nodes * PLACES;
}

/* Largest of the coefficients of highest degree of the polynomial through values that lie `stride` apart. */
static inline double roughness(const Radau *radau, const double *values, int64_t stride)
{
    double rough = 0.0;
    for (int row = 0; row < 2; row++) {
        double sum = 0.0;
        for (int i = 0; i < PLACES; i++)
            sum += radau->tops[row * PLACES + i] * values[i * stride];
        rough = fmax(rough, fabs(sum));
    }
    return rough;
}

/* Values at x of Lagrange's polynomials, LANES x at once. */
static inline void weigh(const Radau *radau, const Lanes *x, Lanes *values)
{
    Lanes before = (Lanes){0} + 1, after = before;
    for (int i = 0; i < PLACES; i++) {
        values[i] = before * radau->levers[i];
        before *= *x - radau->points[i];
    }
    for (int i = PLACES - 1; i >= 0; i--) {
        values[i] *= after;
        after *= *x - radau->points[i];
    }
}

#endif
