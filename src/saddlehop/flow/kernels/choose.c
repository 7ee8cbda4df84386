/* Which step comes next: see choose.h. */
#include "choose.h"

#include <math.h>

#include "implicit.h"
#include "lanes.h"
#include "magnus.h"
#include "pull.h"
#include "series.h"
#include "steps.h"
#include "taylor.h"
#include "weigh.h"

/* A stiff step must be worth so many Taylor steps, and what it costs of them. */
static const double LEAST_GAIN = 3.0;
static const double MOST_WAIT = 16.0;
/* A stiff step may be tried if it costs no more Taylor steps, else after as many. */
static const double FREE_TRY = 50.0;
/* How far above tolerance a stiff step may be foreseen to end before it is given up. */
static const double HOPE = 1e3;
/* The first Magnus step to try, as a share of what makes a plateau worth it. */
static const double FIRST_MAGNUS = 0.1;
/* Growth of the fastest neuron that makes a plateau worth it. */
static const double WORTH = 2.0;
/* Deaths that a Magnus step must pass to be worth it. */
enum { LEAST_DEATHS = 3 };

/* Levels of extrapolation that the tolerance calls for at most. */
int64_t stiff_levels(const Constants *constants)
{
    int64_t digits = (int64_t)ceil(-log10(constants->step_tol));
    return digits < 4 ? 4 : digits > MOST_LEVELS ? MOST_LEVELS : digits;
}

/* Whether a Taylor step is about as long as its stability at the fastest rate allows. */
static bool is_held_up(const Constants *constants, State *state, const Work *work, Series series)
{
    if (state->control[STIFF_WAIT] > 0.0) {
        state->control[STIFF_WAIT] -= 1.0;
        return false;
    }
    double fastest = 0.0;
    for (int64_t k = 0; k < constants->n_samples; k++)
        if (!work->settled[k])
            fastest = larger(fastest, constants->stiffness[k] * work->sensitivity[k]);
    return fastest * series.step > 0.15 * (double)series.order;
}

/* The cost of a stiff step in Taylor steps, from nanoseconds measured.

   Each level builds and factors the matrix of the heavy; level L takes L + 1 Euler steps. */
static double stiff_cost(const State *state, const Work *work, Heavy heavy, int64_t order,
                         int64_t n_levels)
{
    double neurons = (double)heavy.neurons, pairs = (double)n_packed(state, work);
    double levels = (double)n_levels;
    double matrices = levels * neurons * (0.15 * (double)heavy.pairs + 0.06 * neurons * neurons);
    double euler = 2.0 * levels * (levels + 3.0) * pairs;
    return (matrices + euler) / (pairs * series_cost(order));
}

/* What of a stiff step is good: 1 all, less if it must be shorter. */
static double good_share(const Constants *constants, const State *state, const Work *work,
                         Extrapolation found, double fit)
{
    if (!(found.error < INFINITY))
        return 0.25;
    if (found.error > constants->step_tol)
        return smaller(larger(fit, 0.1), 0.6);
    if (surprises(constants, state, work))
        return 0.5;
    return first_crossing(state, work, constants->step_tol);
}

/* How much longer the next step may be than one that was good. */
static double longer(Extrapolation found, double fit, int64_t levels)
{
    if (found.level == levels)
        return smaller(larger(fit, 0.5), 1.2);
    return found.level > levels - 3 ? (double)(levels - found.level) : 4.0;
}

/* Take one stiff step; tell whether it was good. Sets the length to try next. */
static bool attempt(const Constants *constants, State *state, Work *work, double length,
                    int64_t levels)
{
    Extrapolation found = implicit_step(constants, state, work, length, levels, HOPE);
    double order = (double)found.level + 1.0;
    double fit = 0.8 * pow(constants->step_tol / larger(found.error, 1e-300), 1.0 / order);
    double share = good_share(constants, state, work, found, fit);
    bool is_good = share == 1.0;
    state->control[STIFF_LENGTH] = length * (is_good ? longer(found, fit, levels) : share);
    if (is_good)
        state->control[STIFF_NEXT_WAIT] = 4.0;
    return is_good;
}

/* Take a stiff step if it is worth it; return its length, or 0. */
static double try_stiff(const Constants *constants, State *state, Work *work, Series taylor,
                        double room)
{
    int64_t levels = stiff_levels(constants);
    double *control = state->control;
    Heavy heavy = weigh(constants, state, work, 16.0 * taylor.step);
    double cost = stiff_cost(state, work, heavy, taylor.order, levels);
    control[SINCE_TRY] += 1.0;
    if (control[SINCE_TRY] < cost - FREE_TRY)
        return 0.0; /* with thousands of neurons a try in vain costs seconds */
    control[SINCE_TRY] = 0.0;
    double least = control[STIFF_LEAST] = taylor.step * larger(LEAST_GAIN, cost);
    double most = smaller(longest_step(constants, state, work), room);
    double length = smaller(larger(control[STIFF_LENGTH], 2.0 * least), most);
    control[STIFF_LENGTH] = 0.0;
    if (length < least)
        return 0.0;
    for (int i = 0; i < 4 && length >= least; i++) {
        if (attempt(constants, state, work, length, levels))
            return length;
        length = control[STIFF_LENGTH];
    }
    control[STIFF_LENGTH] = 0.0;
    control[STIFF_WAIT] = control[STIFF_NEXT_WAIT];
    control[STIFF_NEXT_WAIT] = smaller(2.0 * control[STIFF_NEXT_WAIT], MOST_WAIT);
    return 0.0;
}

/* Take another stiff step after one that was good, without a series to compare with. */
static double go_on_stiff(const Constants *constants, State *state, Work *work, double room)
{
    double most = smaller(longest_step(constants, state, work), room);
    double length = smaller(state->control[STIFF_LENGTH], most);
    if (!(state->control[STIFF_LENGTH] > 0.0 && length >= state->control[STIFF_LEAST]))
        return 0.0;
    return attempt(constants, state, work, length, stiff_levels(constants)) ? length : 0.0;
}

/* How many of the felt neurons' pairs die within `length` on their tangents. */
static int64_t deaths_within(const State *state, const Work *work, double length)
{
    int64_t died = 0;
    for (int64_t j = 0; j < state->width; j++) {
        if (!work->is_felt[j])
            continue;
        double reach = length * work->output_series[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
            died += work->hidden_series[q] + reach * work->pull_series[q] < 0.0;
    }
    return died;
}

/* How many pairs died in the Magnus step that was just tried. */
static int64_t deaths_in_magnus(const State *state, const Work *work)
{
    int64_t died = 0;
    const double *hidden = hidden_row(state, work, 1);
    for (int64_t q = 0; q < n_packed(state, work); q++)
        died += hidden[q] < 0.0;
    return died;
}

/* Pulls that fade let pairs live: wait after a step that passed too few deaths, ever longer. */
static void pause_magnus(State *state, bool in_vain)
{
    double *control = state->control;
    control[MAGNUS_WAIT] = in_vain ? control[MAGNUS_NEXT_WAIT] : 0.0;
    control[MAGNUS_NEXT_WAIT] = in_vain ? smaller(2.0 * control[MAGNUS_NEXT_WAIT], MOST_WAIT) : 2.0;
}

/* Take a Magnus step if it passes enough deaths; return its length, or 0. */
static double try_magnus(const Constants *constants, State *state, Work *work, double most)
{
    double *next = &state->control[MAGNUS_LENGTH], tol = constants->step_tol;
    if (state->control[MAGNUS_WAIT] > 0.0) {
        state->control[MAGNUS_WAIT] -= 1.0;
        return 0.0;
    }
    double length = *next > 0.0 ? smaller(*next, most) : FIRST_MAGNUS * most;
    while (deaths_within(state, work, length) >= LEAST_DEATHS) {
        double error = magnus_step(constants, state, work, length);
        if (!(error < INFINITY)) {
            length *= 0.1;
            *next = length;
            continue;
        }
        *next = length * smaller(larger(0.8 * pow(tol / error, 0.2), 0.1), 3.0);
        if (error <= tol) {
            pause_magnus(state, deaths_in_magnus(state, work) < LEAST_DEATHS);
            return length;
        }
        length = *next;
    }
    *next = 1.1 * length; /* it may be longer as time goes on */
    return 0.0;
}

/* A step of the moving pairs. */
static Choice choose_moving(const Constants *constants, State *state, Work *work, double least,
                            double room)
{
    split_moving(constants, state, work);
    pack_moving(state, work);
    fill_felt(constants, state, work);
    double length = try_magnus(constants, state, work, least);
    if (length > 0.0)
        return (Choice){RUNNING, MAGNUS, length};
    length = go_on_stiff(constants, state, work, room);
    if (length > 0.0)
        return (Choice){RUNNING, STIFF, length};
    Series series = expand(constants, state, work, room);
    if (series.step < room && is_held_up(constants, state, work, series)) {
        length = try_stiff(constants, state, work, series, room);
        if (length > 0.0)
            return (Choice){RUNNING, STIFF, length};
        restore_outputs(state, work, series.order);
    }
    return (Choice){RUNNING, series.order, series.step};
}

/* Prepare the next step of a state that is surveyed. */
Choice choose(const Constants *constants, State *state, Work *work)
{
    double room = constants->t_end - state->time[0] - state->time[1];
    double sq_pull = dot(work->pull, work->pull, constants->n_samples);
    double least = sq_pull > 0.0 ? smaller(room, WORTH / sqrt(sq_pull)) : room;
    Plateau ahead = plateau(constants, state, work, least);
    if (room <= 0.0)
        return (Choice){ARRIVED, PLATEAU, 0.0};
    if (ahead.finished && isinf(room))
        return (Choice){LEARNED, PLATEAU, 0.0};
    if (ahead.fastest == 0.0 || ahead.length >= room || ahead.fastest * ahead.length >= WORTH)
        return (Choice){RUNNING, PLATEAU, smaller(ahead.length, room)};
    return choose_moving(constants, state, work, least, room);
}
