/* One linearly implicit Euler step: see euler.h. */
#include "euler.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "light.h"

static void zero(double *entries, int64_t count)
{
    memset(entries, 0, (size_t)count * sizeof(double));
}

/* Fill `rate` with s_k. */
void fill_rates(const Constants *constants, Work *work, const System *system)
{
    zero(work->rate, constants->n_samples);
    for (int64_t i = 0; i < system->matrix.size; i++) {
        int64_t j = system->heavy[i];
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
    for (int64_t j = 0, i = 0; j < state->width; j++) {
        if (work->kind[j] == LIGHT)
            continue;
        double share = system->gamma * work->output_series[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
            work->lever[q] = work->hidden_series[q] + share * work->pull_series[q];
        if (work->kind[j] != HEAVY)
            continue;
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
            system->levers[work->packed_sample[q] * system->matrix.size + i] = work->lever[q];
        i++;
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

/* Fill row i up to its diagonal with Σ_k v_jk v_ik κ_k / (1 + γ s_k); `load` holds the factors. */
static void fill_gram_row(const Work *work, System *system, int64_t i)
{
    int64_t size = system->matrix.size, j = system->heavy[i], stop = work->bounds[j + 1];
    double *row = system->matrix.entries + i * size;
    zero(row, i + 1);
    for (int64_t q = work->bounds[j]; q < stop; q += LANES) {
        const double *x[LANES];
        double b[LANES];
        for (int64_t e = 0; e < LANES; e++) {
            int64_t place = q + e < stop ? q + e : q;
            int32_t k = work->packed_sample[place];
            x[e] = system->levers + k * size;
            b[e] = q + e < stop ? work->lever[place] * work->load[k] : 0.0;
        }
        add_eight(x, b, i + 1, row);
    }
}

/* 1 − γ² Σ_k d_k² */
static double own_part(const Work *work, double gamma, int64_t j)
{
    int64_t start = work->bounds[j];
    const double *pull = work->pull_series + start;
    return 1.0 - gamma * gamma * dot(pull, pull, work->bounds[j + 1] - start);
}

/* Make the matrix for √w δa of its lower half, yet without the weights. */
static void complete(const Work *work, System *system)
{
    int64_t size = system->matrix.size;
    for (int64_t i = 0; i < size; i++) {
        int64_t j = system->heavy[i];
        double *row = system->matrix.entries + i * size, gamma = system->gamma;
        for (int64_t l = 0; l <= i; l++)
            row[l] *= gamma * sqrt(work->weight[j] * work->weight[system->heavy[l]]);
        row[i] += own_part(work, gamma, j);
    }
}

/* Tell whether the system is positive: else something grows too much within a step. */
bool prepare_system(const Constants *constants, const State *state, Work *work,
                           System *system)
{
    fill_levers(state, work, system);
    for (int64_t k = 0; k < constants->n_samples; k++)
        work->load[k] = constants->stiffness[k] / (1.0 + system->gamma * work->rate[k]);
    for (int64_t i = 0; i < system->matrix.size; i++)
        fill_gram_row(work, system, i);
    complete(work, system);
    return factor(&system->matrix);
}

/* Fill `load` with the pull on each sample at these weights. */
static void fill_pull(const Constants *constants, const State *state, Work *work,
                      const double *hidden, const double *output)
{
    double *pull = work->load;
    zero(pull, constants->n_samples);
    for (int64_t j = 0; j < state->width; j++) {
        if (work->kind[j] == LIGHT) {
            add_light_pull(work, j, hidden, output[j]);
            continue;
        }
        double a = output[j], a_start = work->output_series[j], weight = work->weight[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
            double moved = a * hidden[q] - a_start * work->hidden_series[q];
            pull[work->packed_sample[q]] -= weight * moved;
        }
    }
    for (int64_t k = 0; k < constants->n_samples; k++)
        pull[k] = work->pull[k] + constants->stiffness[k] * pull[k];
}

/* Fill `product` with b and `change` with the part of the heavy neurons' in δd. */
static void fill_changes(const Constants *constants, const State *state, Work *work, double gamma,
                         const double *output)
{
    double *b = work->product, *change = work->change;
    zero(change, constants->n_samples);
    for (int64_t j = 0; j < state->width; j++) {
        if (work->kind[j] == LIGHT)
            continue;
        double share = gamma * output[j];
        double weighted =
            work->kind[j] == HEAVY ? work->weight[j] * work->output_series[j] : 0.0;
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
            int32_t k = work->packed_sample[q];
            b[q] = share * work->load[k];
            change[k] -= weighted * b[q];
        }
    }
    for (int64_t k = 0; k < constants->n_samples; k++)
        change[k] *= constants->stiffness[k] / (1.0 + gamma * work->rate[k]);
}

/* The right side for δa_j. */
static double right_of(const Work *work, double gamma, const double *hidden, int64_t j)
{
    int64_t start = work->bounds[j], count = work->bounds[j + 1] - start;
    const int32_t *sample = work->packed_sample + start;
    const double *u = hidden + start, *lever = work->lever + start;
    const double *pull = work->pull_series + start, *b = work->product + start;
    double *restrict part = work->segment;
    for (int64_t p = 0; p < count; p++) {
        int32_t k = sample[p];
        part[p] = (work->load[k] * u[p] + lever[p] * work->change[k]) + pull[p] * b[p];
    }
    return gamma * sum(part, count);
}

/* Fill `right` with the heavy neurons' δa. */
static void solve_outputs(Work *work, const System *system, const double *hidden)
{
    int64_t size = system->matrix.size;
    double *right = system->right;
    for (int64_t i = 0; i < size; i++) {
        int64_t j = system->heavy[i];
        right[i] = sqrt(work->weight[j]) * right_of(work, system->gamma, hidden, j);
    }
    solve(&system->matrix, right);
    for (int64_t i = 0; i < size; i++)
        work->right[system->heavy[i]] = right[i] / sqrt(work->weight[system->heavy[i]]);
}

/* Add to δd in `change` what the heavy neurons' δa makes of it; `product` keeps its b. */
static void add_change_by_outputs(const Constants *constants, Work *work, const System *system)
{
    double *pull = work->rest;
    zero(pull, constants->n_samples);
    for (int64_t i = 0; i < system->matrix.size; i++) {
        int64_t j = system->heavy[i];
        double weighted = work->weight[j] * work->right[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
            pull[work->packed_sample[q]] -= weighted * work->lever[q];
    }
    for (int64_t k = 0; k < constants->n_samples; k++) {
        double share = constants->stiffness[k] / (1.0 + system->gamma * work->rate[k]);
        work->change[k] += pull[k] * share;
    }
}

/* Add δ to a heavy or loose neuron. */
static void add_step(const Work *work, double gamma, int64_t j, double *hidden, double *output)
{
    double shift = work->right[j], a_start = work->output_series[j];
    for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
        double change = work->change[work->packed_sample[q]];
        double moved = shift * work->pull_series[q] + a_start * change;
        hidden[q] += work->product[q] + gamma * moved;
    }
    output[j] += shift;
}

void one_euler_step(const Constants *constants, const State *state, Work *work,
                           const System *system, double *hidden, double *output)
{
    double gamma = system->gamma;
    fill_pull(constants, state, work, hidden, output);
    fill_changes(constants, state, work, gamma, output);
    solve_outputs(work, system, hidden);
    add_change_by_outputs(constants, work, system);
    for (int64_t j = 0; j < state->width; j++) {
        if (work->kind[j] == LOOSE)
            work->right[j] = right_of(work, gamma, hidden, j) / own_part(work, gamma, j);
        if (work->kind[j] == LIGHT)
            step_light(state, work, j, gamma, hidden, output);
        else
            add_step(work, gamma, j, hidden, output);
    }
    work->counts[EVALUATIONS]++;
    work->counts[PAIRS_EVALUATED] += n_packed(state, work);
}
