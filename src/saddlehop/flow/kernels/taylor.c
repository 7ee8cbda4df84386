/* One Taylor step: see taylor.h. */
#include "taylor.h"

#include <math.h>
#include <string.h>

#include "alone.h"
#include "lanes.h"
#include "series.h"
#include "stretch.h"

enum { LEAST_ORDER = 3 };

/* A step aims past the next death by this factor. */
static const double AIM = 1.1;

/* Pack the moving pairs; strike off those that are at 0 and fall. */
void pack_moving(State *state, Work *work)
{
    int64_t q = 0;
    for (int64_t j = 0; j < state->width; j++) {
        double a = state->output[j];
        work->bounds[j] = q;
        work->output_series[j] = a;
        int64_t p = state->first[j];
        while (p < state->first[j] + state->moving[j]) {
            double u = state->hidden[p], d = work->pull[state->sample[p]];
            if (u <= 4.0 * EPS && a * d < 0.0) {
                kill_moving(state, j, p);
                work->counts[DEATHS]++;
                continue;
            }
            work->hidden_series[q] = u;
            work->pull_series[q] = d;
            work->packed_sample[q++] = state->sample[p++];
        }
    }
    work->bounds[state->width] = q;
}

/* Nanoseconds measured for each moving pair of a step. */
double series_cost(int64_t order)
{
    double p = (double)order;
    return 12.0 + 2.0 * p + 0.12 * p * p;
}

/* Order of least work per time; order P reaches as far as tol^{1/P}. */
static int64_t order_of_least_work(double tol, int64_t moving, int64_t alive, int64_t terms)
{
    int64_t best = 0;
    double least = INFINITY;
    for (int64_t order = 6; order < terms; order += 2) {
        double cost = 5000.0 + 10.0 * (double)alive + (double)moving * series_cost(order);
        double per_time = cost / pow(tol, 1.0 / (double)order);
        if (per_time < least) {
            best = order;
            least = per_time;
        }
    }
    return best;
}

/* The earliest death of a felt neuron's pair on the tangents. */
static double next_death(const State *state, const Work *work)
{
    double earliest = INFINITY;
    for (int64_t j = 0; j < state->width; j++) {
        if (!work->is_felt[j])
            continue;
        double a = work->output_series[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
            double value = work->hidden_series[q], slope = a * work->pull_series[q];
            if (slope < 0.0 && value + earliest * slope < 0.0)
                earliest = -value / slope;
        }
    }
    return earliest;
}

/* Fill `most` with the largest pull of each term. */
static void fill_largest_pulls(const Constants *constants, const Work *work, double most[ROW])
{
    memset(most, 0, ROW * sizeof(double));
    for (int64_t k = 0; k < constants->n_samples; k++) {
        const double *d = row_of_pulls(work, k);
        for (int64_t l = 0; l < ROW; l++)
            most[l] = larger(most[l], fabs(d[l]));
    }
}

/* The largest entry of a neuron's ũ, of what terms of pulls are in it, if above `largest`. */
static double larger_hidden(const Work *work, int64_t j, const double part[ROW], int64_t order,
                            double largest)
{
    for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++) {
        double term = dot_of_blocks(part, row_of_pulls(work, work->packed_sample[q]), order);
        largest = larger(largest, fabs(term));
    }
    return largest;
}

/* The largest entry of term `order` of ũ. */
static double largest_hidden(const Constants *constants, const State *state, const Work *work,
                             int64_t order)
{
    double largest = 0.0, part[ROW], most[ROW];
    fill_largest_pulls(constants, work, most);
    for (int64_t j = 0; j < state->width; j++) {
        double bound = 0.0;
        fill_term(work, series_of(work, j), order, part);
        for (int64_t l = 0; l < order; l++)
            bound += fabs(part[l]) * most[l];
        if (bound > largest)
            largest = larger_hidden(work, j, part, order, largest);
    }
    return largest;
}

/* Whether a term of ã, and if so of ũ too, is below tolerance at `aim`. */
static bool is_below(const Constants *constants, const State *state, const Work *work, double tol,
                     double aim, int64_t order)
{
    double power = pow(aim, (double)order);
    return work->sizes[order] * power <= tol &&
           largest_hidden(constants, state, work, order) * power <= tol;
}

static double reach_of_term(const Constants *constants, const State *state, const Work *work,
                            int64_t order)
{
    double hidden = largest_hidden(constants, state, work, order);
    return reach(constants->step_tol, larger(work->sizes[order], hidden), order);
}

/* Fill the series of the packed pairs; the step it is good for is at most `room`. */
Series expand(const Constants *constants, State *state, Work *work, double room)
{
    int64_t alive = 0;
    for (int64_t j = 0; j < state->width; j++)
        alive += state->alive[j];
    Eights eights = begin_series(constants, state, work);
    set_stretch(work, PLAIN);
    double tol = constants->step_tol, aim = room;
    int64_t most = order_of_least_work(tol, n_packed(state, work), alive, work->n_terms);
    for (int64_t i = 0; i < most; i++) {
        int64_t order = i + 1;
        work->sizes[order] = next_terms(constants, state, work, eights, i);
        work->counts[EVALUATIONS]++;
        work->counts[PAIRS_EVALUATED] += n_packed(state, work);
        if (i == 0)
            aim = smaller(room, AIM * next_death(state, work));
        else if (order >= LEAST_ORDER && is_below(constants, state, work, tol, aim, order) &&
                 is_below(constants, state, work, tol, aim, order - 1))
            return (Series){order, aim};
    }
    stretch_series(constants, state, work, most, aim);
    double step = smaller(reach_of_term(constants, state, work, most),
                          reach_of_term(constants, state, work, most - 1));
    return (Series){most, smaller(time_at(stretch_of(work), step), aim)};
}

/* The first death of a felt neuron's pair before the end of the step; that end if there is none. */
FirstDeath first_death(const Constants *constants, const State *state, const Work *work,
                       Series series)
{
    fill_turn(constants, work, series.order, series.step);
    FirstDeath first = {series.step, -1};
    for (int64_t j = 0; j < state->width; j++) {
        if (!work->is_felt[j])
            continue;
        Way way = way_of(state, work, j);
        FirstDeath death = first_death_on(work, &way, series.order, first.time);
        if (death.place >= 0)
            first = (FirstDeath){death.time, work->bounds[j] + death.place};
    }
    return first;
}

/* Put the moving pairs of a neuron at `time` on its series. */
static void move_one(State *state, const Work *work, int64_t j, int64_t order, double time)
{
    double moved[ROW];
    const double *a = series_of(work, j), *u = work->hidden_series + work->bounds[j];
    const int32_t *sample = work->packed_sample + work->bounds[j];
    state->output[j] = value_of(a, order, time);
    fill_moved(work, a, order, time, moved);
    for (int64_t p = 0; p < state->moving[j]; p++) {
        double change = dot_of_blocks(moved, row_of_pulls(work, sample[p]), order);
        state->hidden[state->first[j] + p] = positive_part(u[p] + change);
    }
}

/* Put the moving pairs at `time` on their series; those of faint neurons may die on the way. */
void move_along(const Constants *constants, State *state, Work *work, int64_t order, double time)
{
    fill_turn(constants, work, order, time);
    for (int64_t j = 0; j < state->width; j++)
        if (state->moving[j] > 0 &&
            (work->is_felt[j] || !move_alone(constants, state, work, j, order, time)))
            move_one(state, work, j, order, time);
}

/* Strike off the pair at a packed place; the packing is void after that. */
void strike_packed(State *state, Work *work, int64_t place)
{
    int64_t j = 0;
    while (work->bounds[j + 1] <= place)
        j++;
    kill_moving(state, j, state->first[j] + place - work->bounds[j]);
    work->counts[DEATHS]++;
}
