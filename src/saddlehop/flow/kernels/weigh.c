/* Which neurons a stiff step must treat how: see weigh.h. */
#include "weigh.h"

#include <math.h>

#include "lanes.h"

/* The rate at which the log of a_j grows; −inf where a_j may change sign. */
static double growth_of(const State *state, const Work *work, int64_t j)
{
    int64_t start = work->bounds[j];
    const double *pull = work->pull_series + start, *u = work->hidden_series + start;
    double a = work->output_series[j];
    return state->sign[j] * a == 0.0 ? -INFINITY : dot(pull, u, work->bounds[j + 1] - start) / a;
}

/* By how much log |a_j| may grow in a step: by little, or from so far below that nobody sees it. */
static double most_growth(const Constants *constants, const Work *work, int64_t j, double growth)
{
    double rate = follow_rate(constants, work, j);
    double unseen = rate > 0.0 ? 0.5 * log(constants->step_tol * growth / rate) : INFINITY;
    return larger(1.0, unseen);
}

/* The longest step at whose end no neuron surprises: pulls are seen where Euler steps begin. */
double longest_step(const Constants *constants, const State *state, const Work *work)
{
    double longest = INFINITY;
    for (int64_t j = 0; j < state->width; j++) {
        double growth = growth_of(state, work, j);
        if (growth > 0.0)
            longest = smaller(longest, most_growth(constants, work, j, growth) / growth);
    }
    return longest;
}

/* Whether a light neuron grew by more than it could at its rate at the start. */
bool surprises(const Constants *constants, const State *state, const Work *work)
{
    for (int64_t j = 0; j < state->width; j++) {
        double grown = output_row(state, work, 1)[j], growth = growth_of(state, work, j);
        if (work->kind[j] == LIGHT && work->bounds[j] < work->bounds[j + 1] && grown > 1.5 &&
            grown > 0.5 + most_growth(constants, work, j, larger(growth, 0.0)))
            return true;
    }
    return false;
}

/* Fill `kind` with how each moving neuron goes through a stiff step of that length.

   Neurons outside the matrix may together change residuals by a factor of order one. */
Heavy weigh(const Constants *constants, const State *state, Work *work, double step)
{
    Heavy heavy = {0, 0};
    double moving = 0.0;
    for (int64_t j = 0; j < state->width; j++)
        moving += work->bounds[j] < work->bounds[j + 1];
    for (int64_t j = 0; j < state->width; j++) {
        bool is_heavy = follow_rate(constants, work, j) * step * moving > 1.0;
        bool is_light = !is_heavy && growth_of(state, work, j) * step >= -0.25;
        work->kind[j] = is_heavy ? HEAVY : is_light ? LIGHT : LOOSE;
        heavy.neurons += is_heavy;
        heavy.pairs += is_heavy ? work->bounds[j + 1] - work->bounds[j] : 0;
    }
    return heavy;
}
