/* One stiff step: see implicit.h. */
#include "implicit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "euler.h"
#include "lanes.h"
#include "light.h"
#include "weigh.h"

enum { LEAST_LEVELS = 3 }; /* two results may agree by chance */

/* Take level + 1 Euler steps over `step`; the result goes to row `level`. */
static bool euler_steps(const Constants *constants, const State *state, Work *work, System *system,
                        double step, int64_t level)
{
    double *hidden = hidden_row(state, work, level), *output = output_row(state, work, level);
    system->gamma = step / (double)(level + 1);
    if (!prepare_system(constants, state, work, system))
        return false;
    memcpy(hidden, work->hidden_series, (size_t)n_packed(state, work) * sizeof(double));
    memcpy(output, work->output_series, (size_t)state->width * sizeof(double));
    for (int64_t j = 0; j < state->width; j++)
        if (work->kind[j] == LIGHT)
            begin_light(state, work, j, hidden, output);
    for (int64_t i = 0; i <= level; i++)
        one_euler_step(constants, state, work, system, hidden, output);
    return true;
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

/* Whether the last of `levels` will hardly be below tolerance, from how the error falls. */
static bool is_hopeless(double before, double error, double tol, int64_t left)
{
    double ratio = error / before;
    return !(error * pow(ratio, (double)left) <= tol);
}

static Extrapolation run_levels(const Constants *constants, const State *state, Work *work,
                                System *system, double step, int64_t levels, double hope)
{
    Extrapolation found = {0, INFINITY};
    fill_rates(constants, work, system);
    while (found.level < levels) {
        double before = found.error;
        if (!euler_steps(constants, state, work, system, step, ++found.level))
            return (Extrapolation){found.level, INFINITY};
        found.error = extrapolate(state, work, found.level);
        if (found.level < LEAST_LEVELS)
            continue;
        if (found.error <= constants->step_tol ||
            is_hopeless(before, found.error, hope * constants->step_tol, levels - found.level))
            break;
    }
    for (int64_t j = 0; j < state->width; j++)
        if (work->kind[j] == LIGHT)
            end_light(work, j, hidden_row(state, work, 1), output_row(state, work, 1)[j]);
    return found;
}

static void list_heavy(const State *state, const Work *work, int64_t *heavy)
{
    for (int64_t j = 0, i = 0; j < state->width; j++)
        if (work->kind[j] == HEAVY)
            heavy[i++] = j;
}

/* Fill row 1 with the state after `step`; the error is inf where memory for the system lacks.

   Gives up where the last of `levels` is foreseen `hope` times above tolerance. */
Extrapolation implicit_step(const Constants *constants, const State *state, Work *work, double step,
                            int64_t levels, double hope)
{
    int64_t size = weigh(constants, state, work, step).neurons;
    size_t h = (size_t)size, n = (size_t)constants->n_samples;
    double *levers = calloc((n + h + 1) * (h + 1), sizeof(double));
    int64_t *heavy = malloc((h + 1) * sizeof(int64_t));
    Extrapolation found = {levels, INFINITY};
    if (levers && heavy) {
        double *matrix = levers + n * h, *right = matrix + h * h;
        System system = {0.0, {matrix, size}, heavy, levers, right};
        list_heavy(state, work, heavy);
        found = run_levels(constants, state, work, &system, step, levels, hope);
    }
    free(levers);
    free(heavy);
    return found;
}

/* Bring a light neuron to a scale at which it has the output weight it had. */
static void grow(State *state, int64_t j, double grown)
{
    double shrunk = exp(-grown), *hidden = state->hidden + state->first[j];
    state->scale[j] += grown;
    for (int64_t p = state->moving[j]; p < state->alive[j]; p++)
        hidden[p] *= shrunk;
}

/* Take over row 1; a pair that ends below 0 by less than the tolerance ends at 0. */
void arrive(State *state, const Work *work)
{
    const double *end = hidden_row(state, work, 1), *output = output_row(state, work, 1);
    for (int64_t j = 0; j < state->width; j++) {
        if (state->moving[j] == 0)
            continue;
        double *hidden = state->hidden + state->first[j], size = 1.0;
        if (work->kind[j] == LIGHT) {
            grow(state, j, output[j]);
            size = fabs(state->output[j]);
        } else {
            state->output[j] = output[j];
        }
        for (int64_t p = 0; p < state->moving[j]; p++)
            hidden[p] = size * positive_part(end[work->bounds[j] + p]);
    }
}

/* The share of the step, on chords, at which the first pair is at 0; 1 if none is. */
double first_crossing(const State *state, const Work *work, double tol)
{
    double share = 1.0;
    const double *begin = hidden_row(state, work, 0), *end = hidden_row(state, work, 1);
    for (int64_t j = 0; j < state->width; j++) {
        double size = work->kind[j] == LIGHT ? fabs(work->output_series[j]) : 1.0;
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
            if (end[q] < -tol)
                share = smaller(share, begin[q] / (begin[q] - size * end[q]));
    }
    return share;
}
