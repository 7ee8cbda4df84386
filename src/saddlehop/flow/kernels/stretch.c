/* Series in stretched time: see stretch.h. */
#include "stretch.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "series.h"

/* Stretched series must reach farther by this factor. */
static const double WORTH = 1.02;

/* Row i is the series of t^i in s. */
typedef double Powers[MOST_TERMS][MOST_TERMS];

double stretched(Stretch stretch, double time)
{
    if (isinf(stretch.size))
        return time;
    double y = asinh(time / stretch.eta + sinh(stretch.v)) - stretch.v;
    return stretch.size * tanh(0.5 * y);
}

double time_at(Stretch stretch, double stretched_time)
{
    if (isinf(stretch.size))
        return stretched_time;
    double half = atanh(stretched_time / stretch.size);
    return 2.0 * stretch.eta * cosh(stretch.v + half) * sinh(half);
}

/* The stretch for the singularities that the last terms of a series, backwards, tell of.

   Near them f_{i+1} = p f_i + q f_{i−1} with x² = p x + q at x = 1/z. */
static Stretch stretch_for(const double *series, int64_t order)
{
    const double *f = series - order; /* the last term, the one before it, ... */
    double share = f[2] * f[2] - f[1] * f[3];
    double half = 0.5 * (f[1] * f[2] - f[0] * f[3]) / share, q = (f[0] * f[2] - f[1] * f[1]) / share;
    double square = half * half + q;
    if (!(square < 0.0))
        return PLAIN;
    double eta = sqrt(-square) / -q, v = asinh(half / q / eta), size = 2.0 * eta * cosh(v);
    return isfinite(size) && size > 0.0 ? (Stretch){eta, v, size} : PLAIN;
}

/* Fill the powers of t; with b = tanh(v/2) and x = s/S it is

       t = η ((1 + b x) (1/((1 − b) (1 − x)) − 1/((1 + b) (1 + x))) − sinh v) */
static void fill_powers(Stretch stretch, int64_t order, Powers powers)
{
    double b = tanh(0.5 * stretch.v), up = 1.0 / (1.0 - b), down = 1.0 / (1.0 + b);
    double *time = powers[1], scale = stretch.eta;
    memset(powers, 0, sizeof(Powers));
    powers[0][0] = 1.0;
    for (int64_t q = 1; q <= order; q++) {
        double even = up - down, odd = up + down;
        scale /= stretch.size;
        time[q] = scale * (q % 2 ? odd + b * even : even + b * odd);
    }
    for (int64_t i = 2; i <= order; i++)
        for (int64_t l = 1; l <= order; l++)
            for (int64_t q = i - 1; q + l <= order; q++)
                powers[i][q + l] += time[l] * powers[i - 1][q];
}

/* Term `order` of a series in s, from that in t backwards. */
static double term_of(const double *series, const Powers powers, int64_t order)
{
    double total = 0.0;
    for (int64_t i = 0; i <= order; i++)
        total += powers[i][order] * series[-i];
    return total;
}

/* The largest term of that order of all ã, stretched. */
static double size_of(const State *state, const Work *work, const Powers powers, int64_t order)
{
    double largest = 0.0;
    for (int64_t j = 0; j < state->width; j++)
        largest = larger(largest, fabs(term_of(series_of(work, j), powers, order)));
    return largest;
}

/* Put the series of t′(s) d in place of those of d. */
static void stretch_pulls(const Constants *constants, Work *work, const Powers powers,
                          int64_t order)
{
    double factors[ROW][ROW] = {{0.0}}; /* t′ t^l is the slope of t^{l+1} / (l + 1) */
    for (int64_t l = 0; l < order; l++)
        for (int64_t q = l; q < order; q++)
            factors[l][q] = (double)(q + 1) * work->inverse[l + 1] * powers[l + 1][q + 1];
    for (int64_t k = 0; k < constants->n_samples; k++) {
        double *d = row_of_pulls(work, k), old[ROW];
        memcpy(old, d, sizeof old);
        for (int64_t q = 0; q < order; q += BLOCK) {
            Block total = {0.0};
            for (int64_t l = 0; l < order && l < q + BLOCK; l++)
                total += old[l] * *(const Block *)(factors[l] + q);
            *(Block *)(d + q) = total;
        }
    }
}

/* Put the series of ã in s in place of those in t. */
static void stretch_outputs(const State *state, Work *work, const Powers powers, int64_t order)
{
    for (int64_t j = 0; j < state->width; j++)
        for (int64_t i = order; i > 0; i--)
            series_of(work, j)[-i] = term_of(series_of(work, j), powers, i);
    restore_outputs(state, work, order);
}

/* The neuron with the largest term of ã. */
static int64_t foremost(const State *state, const Work *work, int64_t order)
{
    int64_t first = 0;
    const double *term = output_row(state, work, order);
    for (int64_t j = 1; j < state->width; j++)
        first = fabs(term[j]) > fabs(term[first]) ? j : first;
    return first;
}

/* Stretch the series if that makes them reach farther, where they do not reach `aim` anyway. */
void stretch_series(const Constants *constants, const State *state, Work *work, int64_t order,
                    double aim)
{
    Powers powers;
    Stretch stretch = stretch_for(series_of(work, foremost(state, work, order)), order);
    double tol = constants->step_tol, *sizes = work->sizes + order - 1;
    double plain = smaller(reach(tol, sizes[1], order), reach(tol, sizes[0], order - 1));
    if (plain >= aim || isinf(stretch.size))
        return;
    fill_powers(stretch, order, powers);
    double last = size_of(state, work, powers, order);
    double before = size_of(state, work, powers, order - 1);
    double step = smaller(reach(tol, last, order), reach(tol, before, order - 1));
    if (!(step < stretch.size && time_at(stretch, step) > WORTH * plain))
        return;
    sizes[0] = before;
    sizes[1] = last;
    set_stretch(work, stretch);
    stretch_outputs(state, work, powers, order);
    stretch_pulls(constants, work, powers, order);
}
