/* A neuron by itself, see alone.h: given r(t) it is linear, so its series follow from that of
   Σ r_k x_k over active pairs, which changes by r_k(t) x_k where it crosses wall k. */
#include "alone.h"

#include <math.h>
#include <string.h>

#include "decide.h"
#include "lanes.h"
#include "products.h"
#include "series.h"

#define NUDGE 1e-6 /* of a step: where a neuron on a wall goes nowhere, it is asked again so much later, */
                   /* then after twice as long each time */
#define BEYOND 1e-9 /* of ‖w‖‖x_k‖: farther than rounding leads */
#define STALL 1e-9 /* ‖w‖ within this share of |a| at a wall is 0 */

static void change_force(const Setting *setting, Work *work, int64_t k, double sign)
{
    const Series *series = &work->series;
    int64_t rank = setting->rank;
    for (int64_t p = 0; p < series->order; p++)
        add(work->alone.force + p * rank, setting->rows + k * rank,
            sign * series->residual[p * setting->n_rows + k], rank);
}

static void find_sides(const Setting *setting, const State *state, Work *work, int64_t j)
{
    multiply(1, state->hidden + j * setting->rank, &setting->to_sides, work->alone.sides);
}

/* Leave a neuron at w = 0, a ≠ 0 that came there in finite time: the flow is not unique from there. */
static bool stalls(const Setting *setting, State *state, int64_t j)
{
    double *w = state->hidden + j * setting->rank;
    if (sqrt(dot(w, w, setting->rank)) > STALL * fabs(state->output[j]))
        return false;
    memset(w, 0, (size_t)setting->rank * sizeof(double));
    memset(state->mode + j * setting->n_rows, -1, (size_t)setting->n_rows);
    state->counts[STALLS]++;
    return true;
}

/* Whether holding a neuron on other walls has put it visibly beyond wall k: it has crossed that one. */
static bool is_beyond(const Setting *setting, State *state, Work *work, int64_t j, int64_t k)
{
    const double *w = state->hidden + j * setting->rank;
    int8_t *mode = state->mode + j * setting->n_rows + k;
    if (-*mode * work->alone.sides[k] <= BEYOND * setting->norms[k] * sqrt(dot(w, w, setting->rank)))
        return false;
    *mode = -*mode;
    change_force(setting, work, k, *mode);
    state->counts[CROSSINGS]++;
    return true;
}

static void cross(const Setting *setting, State *state, Work *work, int64_t j, double t,
                  int64_t event)
{
    Alone *alone = &work->alone;
    const Series *series = &work->series;
    int64_t rank = setting->rank;
    if (event == NONE)
        return;
    if (event != TURN && stalls(setting, state, j)) {
        memset(alone->force, 0, (size_t)(series->order * rank) * sizeof(double));
        return;
    }
    if (event == TURN) {
        state->output[j] = 0.0;
        state->counts[TURNS]++;
    }
    double *force = alone->drive; /* not in use yet */
    values_of(alone->force, series->order, rank, rank, t, force);
    find_sides(setting, state, work, j);
    if (event != TURN && is_beyond(setting, state, work, j, event))
        return;
    decide(setting, state, work, j, event, alone->sides, alone->residual, force, &work->slides,
           change_force);
}

/* The series of the neuron about time t of the step. */
static void expand_alone(const Setting *setting, const State *state, Work *work, int64_t j, double t)
{
    Alone *alone = &work->alone;
    int64_t rank = setting->rank, order = work->series.order;
    memcpy(alone->shifted, alone->force, (size_t)(order * rank) * sizeof(double));
    shift(alone->shifted, order, rank, rank, t);
    memcpy(alone->hidden, state->hidden + j * rank, (size_t)rank * sizeof(double));
    alone->output[0] = state->output[j];
    for (int64_t p = 0; p < order; p++) {
        double *drive = alone->drive + p * rank, *w = alone->hidden + (p + 1) * rank, sum = 0.0;
        for (int64_t i = 0; i < rank; i++)
            drive[i] = alone->shifted[p * rank + i] / (double)setting->n_samples;
        project_out(&work->slides, drive);
        memset(w, 0, (size_t)rank * sizeof(double));
        for (int64_t i = 0; i <= p; i++) {
            const double *back = alone->drive + (p - i) * rank;
            add(w, back, alone->output[i] / (double)(p + 1), rank);
            sum += dot(alone->hidden + i * rank, back, rank);
        }
        alone->output[p + 1] = sum / (double)(p + 1);
    }
}

static double length_alone(const Setting *setting, const Alone *alone, int64_t order)
{
    double size[2];
    for (int q = 0; q < 2; q++) {
        const double *w = alone->hidden + (order - q) * setting->rank;
        size[q] = fabs(alone->output[order - q]) + sqrt(dot(w, w, setting->rank));
    }
    return length_of(setting, size[1], size[0], order);
}

static void move_alone(const Setting *setting, State *state, const Work *work, int64_t j,
                       double time)
{
    const Alone *alone = &work->alone;
    int64_t rank = setting->rank, terms = work->series.order + 1;
    state->output[j] = value_of(alone->output, terms, 1, time);
    values_of(alone->hidden, terms, rank, rank, time, state->hidden + j * rank);
}

void start_alone(const Setting *setting, const State *state, Work *work, int64_t j)
{
    Series *series = &work->series;
    int64_t m = setting->width, rank = setting->rank;
    const double *force = series->force + series->pattern[j] * rank;
    for (int64_t p = 0; p < series->order; p++)
        memcpy(work->alone.force + p * rank, force + p * m * rank, (size_t)rank * sizeof(double));
    slides_of(setting, state, &work->slides, j);
}

/* How long to go on at least where a neuron was asked too often at one place */
static double nudge(int64_t stuck, double left)
{
    return stuck > 2 ? NUDGE * ldexp(1.0, (int)fmin((double)stuck - 3.0, 60.0)) * left : 0.0;
}

double go_on_alone(const Setting *setting, State *state, Work *work, int64_t j, Meeting met,
                   double end, int64_t most)
{
    Series *series = &work->series;
    Alone *alone = &work->alone;
    int64_t n = setting->n_rows, stuck = 0;
    double first = INFINITY;
    for (double t = met.time; t < end;) {
        if (most-- == 0)
            return NAN;
        values_of(series->residual, series->order, n, n, t, alone->residual);
        cross(setting, state, work, j, t, met.event);
        slides_of(setting, state, &work->slides, j);
        settle(setting, state, &work->slides, j);
        find_sides(setting, state, work, j);
        expand_alone(setting, state, work, j, t);
        double left = end - t;
        double reach = fmin(length_alone(setting, alone, series->order), left);
        met = meeting_alone(setting, state, work, j, t, reach);
        if (met.event != NONE)
            first = fmin(first, t + met.time);
        stuck += met.event != NONE && met.time <= NUDGE * left;
        reach = fmin(reach, fmax(met.time, nudge(stuck, left)));
        move_alone(setting, state, work, j, reach);
        t = reach < left ? t + reach : end;
    }
    return first;
}
