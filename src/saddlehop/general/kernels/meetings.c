/* When neurons meet walls: see meetings.h. What must not fall below 0: w·x_k on its side of the wall;
   θ_k and 1 − θ_k, times |r_k|, on walls slid on; |a| where it can turn. A polynomial that starts on 0
   falls where it gets visibly below. */
#include "meetings.h"

#include <math.h>
#include <string.h>

#include "../../flow/kernels/roots.h"
#include "decide.h"
#include "lanes.h"
#include "products.h"

#define BELOW 3.0      /* floors below 0 that are visible */
#define ROUNDING 1e-15 /* of what holds a neuron on a wall, relative to Σ |r_k| */

enum { TERMS = MOST_ORDER + 1 };

static double start_of(double first, double floor)
{
    return first <= floor ? first + BELOW * floor : first;
}

/* Let the polynomial c decide when the next event is. */
static void watch(Meeting *found, double *c, int64_t terms, double floor, int64_t event)
{
    double bound = 0.0;
    c[0] = start_of(c[0], floor);
    for (int64_t p = terms - 1; p > 0; p--)
        bound = (bound + fabs(c[p])) * found->time;
    if (!(c[0] < bound))
        return;
    double time = first_root(c, terms - 1, found->time);
    if (time < found->time)
        found->time = time, found->event = event;
}

/* φ_k = θ_k r_k of each term, from the forces. */
static void pulls_of(const Setting *setting, const Basis *slides, const double *force,
                     int64_t stride, int64_t terms, double *pull)
{
    for (int64_t p = 0; p < terms; p++) {
        double *c = pull + p * slides->rank;
        coordinates_of(slides, force + p * stride, c);
        for (int64_t i = 0; i < slides->count; i++)
            c[i] = -c[i] / setting->norms[slides->wall[i]];
    }
}

/* `residual` has the terms of the residuals of the walls slid on as pull has them. */
static void watch_slides(Meeting *found, const Basis *slides, const double *pull,
                         const double *residual, int64_t terms, double floor)
{
    double c[TERMS];
    for (int64_t i = 0; i < slides->count; i++)
        for (int upper = 0; upper < 2; upper++) {
            double sign = residual[i] > 0.0 ? 1.0 : residual[i] < 0.0 ? -1.0 : 0.0;
            for (int64_t p = 0; p < terms; p++) {
                double phi = pull[p * slides->rank + i], r = residual[p * slides->rank + i];
                c[p] = sign * (upper ? r - phi : phi);
            }
            watch(found, c, terms, floor, slides->wall[i]);
        }
}

static void watch_output(Meeting *found, const double *output, int64_t terms, int64_t stride)
{
    double c[TERMS], sign = output[0] != 0.0 ? output[0] : output[stride];
    for (int64_t p = 0; p < terms; p++)
        c[p] = sign > 0.0 ? output[p * stride] : -output[p * stride];
    watch(found, c, terms, ON_WALL, TURN);
}

static double sum_of_sizes(const double *x, int64_t count)
{
    double total = 0.0;
    for (int64_t k = 0; k < count; k++)
        total += fabs(x[k]);
    return total;
}

static void watch_slides_in_series(const Setting *setting, Work *work, int64_t j, Meeting *found)
{
    Series *series = &work->series;
    const Basis *slides = work->bases + series->pattern[j];
    int64_t n = setting->n_rows, rank = setting->rank, m = setting->width;
    if (slides->count == 0)
        return;
    pulls_of(setting, slides, series->force + series->pattern[j] * rank, m * rank, series->order,
             work->alone.pull);
    for (int64_t p = 0; p < series->order; p++)
        for (int64_t i = 0; i < slides->count; i++)
            work->alone.held[p * rank + i] = series->residual[p * n + slides->wall[i]];
    double floor = ROUNDING * sum_of_sizes(series->residual, n);
    watch_slides(found, slides, work->alone.pull, work->alone.held, series->order, floor);
}

static double size_of(const double *w, int64_t rank)
{
    return sqrt(dot(w, w, rank));
}

Meeting meeting_in_series(const Setting *setting, const State *state, Work *work, int64_t j,
                          double before)
{
    Series *series = &work->series;
    Meeting found = {before, NONE};
    int64_t n = setting->n_rows, m = setting->width, terms = series->order + 1;
    const double *sides = series->sides + j * n;
    const int8_t *mode = state->mode + j * n;
    double size = ON_WALL * size_of(state->hidden + j * setting->rank, setting->rank);
    double *bound = work->load, c[TERMS];
    memset(bound, 0, (size_t)n * sizeof(double));
    for (int64_t p = terms - 1; p > 0; p--)
        for (int64_t k = 0; k < n; k++)
            bound[k] = (bound[k] + fabs(sides[p * m * n + k])) * before;
    for (int64_t k = 0; k < n; k++) {
        double floor = size * setting->norms[k];
        if (mode[k] == 0 || !(start_of(mode[k] * sides[k], floor) < bound[k]))
            continue;
        for (int64_t p = 0; p < terms; p++)
            c[p] = mode[k] * sides[p * m * n + k];
        watch(&found, c, terms, floor, k);
    }
    watch_slides_in_series(setting, work, j, &found);
    if (setting->imbalance[j] < 0.0)
        watch_output(&found, series->output + j, terms, m);
    return found;
}

/* How far w can get in the time. */
static double reach_of(const Setting *setting, const Alone *alone, int64_t order, double time)
{
    double reach = 0.0;
    for (int64_t p = order; p > 0; p--)
        reach = (reach + size_of(alone->hidden + p * setting->rank, setting->rank)) * time;
    return reach;
}

static void watch_slides_alone(const Setting *setting, Work *work, double t, Meeting *found)
{
    Series *series = &work->series;
    Alone *alone = &work->alone;
    const Basis *slides = &work->slides;
    int64_t n = setting->n_rows, rank = setting->rank, terms = series->order;
    if (slides->count == 0)
        return;
    pulls_of(setting, slides, alone->shifted, rank, terms, alone->pull);
    for (int64_t p = 0; p < terms; p++)
        for (int64_t i = 0; i < slides->count; i++)
            alone->held[p * rank + i] = series->residual[p * n + slides->wall[i]];
    shift(alone->held, terms, rank, slides->count, t);
    double floor = ROUNDING * sum_of_sizes(alone->residual, n);
    watch_slides(found, slides, alone->pull, alone->held, terms, floor);
}

Meeting meeting_alone(const Setting *setting, const State *state, Work *work, int64_t j, double t,
                      double before)
{
    Alone *alone = &work->alone;
    Meeting found = {before, NONE};
    int64_t rank = setting->rank, order = work->series.order;
    const int8_t *mode = state->mode + j * setting->n_rows;
    double size = ON_WALL * size_of(alone->hidden, rank), c[TERMS];
    double reach = reach_of(setting, alone, order, before);
    for (int64_t k = 0; k < setting->n_rows; k++) {
        double floor = size * setting->norms[k];
        c[0] = mode[k] * alone->sides[k];
        if (mode[k] == 0 || !(start_of(c[0], floor) < reach * setting->norms[k]))
            continue;
        for (int64_t p = 1; p <= order; p++)
            c[p] = mode[k] * dot(alone->hidden + p * rank, setting->rows + k * rank, rank);
        watch(&found, c, order + 1, floor, k);
    }
    watch_slides_alone(setting, work, t, &found);
    if (setting->imbalance[j] < 0.0)
        watch_output(&found, alone->output, order + 1, 1);
    return found;
}
