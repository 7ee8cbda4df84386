/* One stiff step: see implicit.h. */
#include "implicit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lanes.h"
#include "linear.h"

enum { LEAST_LEVELS = 3 }; /* two results may agree by chance */

/* What the Euler steps of one length share. */
typedef struct {
    double gamma;
    Matrix matrix;
    double *levers; /* (n, m) v by sample, 0 where dead: a row adds to the matrix in memory order */
} System;

static void zero(double *entries, int64_t count)
{
    memset(entries, 0, (size_t)count * sizeof(double));
}

/* Fill `rate` with s_k. */
static void fill_rates(const Constants *constants, const State *state, Work *work)
{
    zero(work->rate, constants->n_samples);
    for (int64_t j = 0; j < state->width; j++) {
        double a = work->output_series[j], square = work->weight[j] * (a * a);
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
            work->rate[work->packed_sample[q]] += square;
    }
    for (int64_t k = 0; k < constants->n_samples; k++)
        work->rate[k] *= constants->stiffness[k];
}

/* Fill `lever` with v, and the levers by sample. */
static void fill_levers(const State *state, Work *work, System *system)
{
    for (int64_t j = 0; j < state->width; j++) {
        double share = system->gamma * work->output_series[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
            work->lever[q] = work->hidden_series[q] + share * work->pull_series[q];
            system->levers[work->packed_sample[q] * state->width + j] = work->lever[q];
        }
    }
}

/* row_i += Σ_e b_e x_e,i over eight rows. */
static void add_eight(const double *const x[LANES], const double b[LANES], int64_t count,
                      double *restrict row)
{
    const double *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
    const double *x4 = x[4], *x5 = x[5], *x6 = x[6], *x7 = x[7];
    double b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3], b4 = b[4], b5 = b[5], b6 = b[6], b7 = b[7];
    for (int64_t i = 0; i < count; i++)
        row[i] += ((b0 * x0[i] + b1 * x1[i]) + (b2 * x2[i] + b3 * x3[i])) +
                  ((b4 * x4[i] + b5 * x5[i]) + (b6 * x6[i] + b7 * x7[i]));
}

/* Fill row j up to its diagonal with Σ_k v_jk v_ik κ_k / (1 + γ s_k); `load` holds the factors. */
static void fill_gram_row(const State *state, const Work *work, System *system, int64_t j)
{
    double *row = system->matrix.entries + j * state->width;
    zero(row, state->width);
    int64_t stop = work->bounds[j + 1];
    for (int64_t q = work->bounds[j]; q < stop; q += LANES) {
        const double *x[LANES];
        double b[LANES];
        for (int64_t e = 0; e < LANES; e++) {
            int64_t place = q + e < stop ? q + e : q;
            int32_t k = work->packed_sample[place];
            x[e] = system->levers + k * state->width;
            b[e] = q + e < stop ? work->lever[place] * work->load[k] : 0.0;
        }
        add_eight(x, b, j + 1, row);
    }
}

/* Make the matrix for δa of its lower half, a symmetric one yet without the weights. */
static void complete(const State *state, const Work *work, System *system)
{
    int64_t m = state->width;
    double *entries = system->matrix.entries, gamma = system->gamma;
    for (int64_t j = 0; j < m; j++) {
        for (int64_t i = 0; i < j; i++) {
            double share = gamma * entries[j * m + i];
            entries[j * m + i] = work->weight[i] * share;
            entries[i * m + j] = work->weight[j] * share;
        }
        int64_t start = work->bounds[j];
        const double *pull = work->pull_series + start;
        double square = dot(pull, pull, work->bounds[j + 1] - start);
        entries[j * m + j] *= gamma * work->weight[j];
        entries[j * m + j] += 1.0 - gamma * gamma * square;
    }
}

static void prepare_system(const Constants *constants, const State *state, Work *work,
                           System *system)
{
    fill_levers(state, work, system);
    for (int64_t k = 0; k < constants->n_samples; k++)
        work->load[k] = constants->stiffness[k] / (1.0 + system->gamma * work->rate[k]);
    for (int64_t j = 0; j < state->width; j++)
        fill_gram_row(state, work, system, j);
    complete(state, work, system);
    factor(&system->matrix);
}

/* Fill `load` with the pull on each sample at these weights. */
static void fill_pull(const Constants *constants, const State *state, Work *work,
                      const double *hidden, const double *output)
{
    double *pull = work->load;
    zero(pull, constants->n_samples);
    for (int64_t j = 0; j < state->width; j++) {
        double a = output[j], a_start = work->output_series[j], weight = work->weight[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
            double moved = a * hidden[q] - a_start * work->hidden_series[q];
            pull[work->packed_sample[q]] -= weight * moved;
        }
    }
    for (int64_t k = 0; k < constants->n_samples; k++)
        pull[k] = work->pull[k] + constants->stiffness[k] * pull[k];
}

/* Fill `product` with b and `change` with its part of δd. */
static void fill_changes(const Constants *constants, const State *state, Work *work, double gamma,
                         const double *output)
{
    double *b = work->product, *change = work->change;
    zero(change, constants->n_samples);
    for (int64_t j = 0; j < state->width; j++) {
        double weighted = work->weight[j] * work->output_series[j], share = gamma * output[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
            int32_t k = work->packed_sample[q];
            b[q] = share * work->load[k];
            change[k] -= weighted * b[q];
        }
    }
    for (int64_t k = 0; k < constants->n_samples; k++)
        change[k] *= constants->stiffness[k] / (1.0 + gamma * work->rate[k]);
}

/* Fill `right` with the right side for δa. */
static void fill_right(const State *state, Work *work, double gamma, const double *hidden)
{
    for (int64_t j = 0; j < state->width; j++) {
        int64_t start = work->bounds[j], count = work->bounds[j + 1] - start;
        const int32_t *sample = work->packed_sample + start;
        const double *u = hidden + start, *lever = work->lever + start;
        const double *pull = work->pull_series + start, *b = work->product + start;
        double *restrict part = work->segment;
        for (int64_t p = 0; p < count; p++) {
            int32_t k = sample[p];
            part[p] = (work->load[k] * u[p] + lever[p] * work->change[k]) + pull[p] * b[p];
        }
        work->right[j] = gamma * sum(part, count);
    }
}

/* Add to δd in `change` what δa makes of it. */
static void add_change_by_outputs(const Constants *constants, const State *state, Work *work,
                                  double gamma)
{
    double *pull = work->load;
    zero(pull, constants->n_samples);
    for (int64_t j = 0; j < state->width; j++) {
        double weighted = work->weight[j] * work->right[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
            pull[work->packed_sample[q]] -= weighted * work->lever[q];
    }
    for (int64_t k = 0; k < constants->n_samples; k++)
        work->change[k] += pull[k] * constants->stiffness[k] / (1.0 + gamma * work->rate[k]);
}

static void one_euler_step(const Constants *constants, const State *state, Work *work,
                           const System *system, double *hidden, double *output)
{
    double gamma = system->gamma;
    fill_pull(constants, state, work, hidden, output);
    fill_changes(constants, state, work, gamma, output);
    fill_right(state, work, gamma, hidden);
    solve(&system->matrix, work->right);
    add_change_by_outputs(constants, state, work, gamma);
    for (int64_t j = 0; j < state->width; j++) {
        double shift = work->right[j], a_start = work->output_series[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
            double change = work->change[work->packed_sample[q]];
            double moved = shift * work->pull_series[q] + a_start * change;
            hidden[q] += work->product[q] + gamma * moved;
        }
        output[j] += shift;
    }
    work->counts[EVALUATIONS]++;
    work->counts[PAIRS_EVALUATED] += n_packed(state, work);
}

/* Take level + 1 Euler steps over `step`; the result goes to row `level`. */
static void euler_steps(const Constants *constants, const State *state, Work *work, System *system,
                        double step, int64_t level)
{
    double *hidden = hidden_row(state, work, level), *output = output_row(state, work, level);
    system->gamma = step / (double)(level + 1);
    prepare_system(constants, state, work, system);
    memcpy(hidden, work->hidden_series, (size_t)n_packed(state, work) * sizeof(double));
    memcpy(output, work->output_series, (size_t)state->width * sizeof(double));
    for (int64_t i = 0; i <= level; i++)
        one_euler_step(constants, state, work, system, hidden, output);
}

/* coarse ← fine + share (fine − coarse); return the largest change, inf if an entry is not. */
static double combine(double *restrict coarse, const double *restrict fine, double share,
                      int64_t count)
{
    double largest = 0.0;
    for (int64_t q = 0; q < count; q++) {
        coarse[q] = fine[q] + share * (fine[q] - coarse[q]);
        largest = larger(largest, fabs(coarse[q] - fine[q]));
    }
    return isfinite(sum(coarse, count)) ? largest : INFINITY;
}

/* Bring rows 1 … level to the highest orders they allow; return the change in row 1. */
static double extrapolate(const State *state, const Work *work, int64_t level)
{
    double change = 0.0;
    bool is_finite = true;
    for (int64_t row = level - 1; row > 0; row--) {
        double share = 1.0 / ((double)(level + 1) / (double)(row + 1) - 1.0);
        double *u = hidden_row(state, work, row), *a = output_row(state, work, row);
        change = larger(combine(u, u + state->n_pairs, share, n_packed(state, work)),
                        combine(a, a + state->width, share, state->width));
        is_finite = is_finite && isfinite(change);
    }
    return is_finite ? change : INFINITY;
}

static Extrapolation run_levels(const Constants *constants, const State *state, Work *work,
                                System *system, double step, int64_t levels)
{
    Extrapolation found = {0, INFINITY};
    fill_rates(constants, state, work);
    while (found.level < levels) {
        euler_steps(constants, state, work, system, step, ++found.level);
        found.error = extrapolate(state, work, found.level);
        bool is_done = found.level >= LEAST_LEVELS && found.error <= constants->step_tol;
        if (is_done || !isfinite(found.error))
            break;
    }
    return found;
}

/* Fill row 1 with the state after `step`; the error is inf where memory for the system lacks. */
Extrapolation implicit_step(const Constants *constants, const State *state, Work *work, double step,
                            int64_t levels)
{
    size_t m = (size_t)state->width, n = (size_t)constants->n_samples;
    Matrix matrix = {malloc(m * m * sizeof(double)), malloc(m * sizeof(int64_t)), state->width};
    System system = {0.0, matrix, calloc(n * m, sizeof(double))};
    Extrapolation found = {levels, INFINITY};
    if (system.matrix.entries && system.matrix.pivots && system.levers)
        found = run_levels(constants, state, work, &system, step, levels);
    free(system.matrix.entries);
    free(system.matrix.pivots);
    free(system.levers);
    return found;
}

/* Take over row 1; a pair that ends below 0 by less than the tolerance ends at 0. */
void arrive(State *state, const Work *work)
{
    const double *hidden = hidden_row(state, work, 1), *output = output_row(state, work, 1);
    for (int64_t j = 0; j < state->width; j++) {
        if (state->moving[j] == 0)
            continue;
        state->output[j] = output[j];
        for (int64_t p = 0; p < state->moving[j]; p++)
            state->hidden[state->first[j] + p] = positive_part(hidden[work->bounds[j] + p]);
    }
}

/* The share of the step, on chords, at which the first pair is at 0; 1 if none is. */
double first_crossing(const State *state, const Work *work, double tol)
{
    double share = 1.0;
    const double *start = hidden_row(state, work, 0), *end = hidden_row(state, work, 1);
    for (int64_t q = 0; q < n_packed(state, work); q++)
        if (end[q] < -tol)
            share = smaller(share, start[q] / (start[q] - end[q]));
    return share;
}
