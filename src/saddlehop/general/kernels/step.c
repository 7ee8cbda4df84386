/* One step of a flow on any rows, after another.

   expand all neurons that are felt in Taylor series → how far do they hold → which walls are met before
   → the step ends where ignoring a wall would be felt by the other neurons
   → neurons that met a wall, and those not felt, go by themselves to the end of the step, wall after wall,
     given r(t) */
#include <math.h>
#include <string.h>

#include "alone.h"
#include "api.h"
#include "decide.h"
#include "lanes.h"
#include "meetings.h"
#include "products.h"
#include "series.h"

#define SHARE 0.3 /* of the tolerance, for walls that the others do not feel */
#define OUTGROWN 1e-3 /* of the tolerance, for neurons that r(t) leaves out */
#define EVALUATION 1e-15 /* rounding of a residual */

enum { LEAST_ORDER = 4 };

API double general_step(const Setting *, State *, Work *, int64_t *order, double room);
API void general_start(const Setting *, State *, Work *);
API void general_residuals(const Setting *, const State *, Work *, double *residual);
API void general_forces(const Setting *, const State *, Work *, const double *residual, double *force);
API void general_wall_rule(Walls *, WallsWork *);

/* When the first of those who are felt meets a wall */
static double first_met(const Setting *setting, const Work *work)
{
    double first = INFINITY;
    for (int64_t j = 0; j < setting->width; j++)
        if (work->event[j] != NONE)
            first = smaller(first, work->time[j]);
    return first;
}

static void meet(const Setting *setting, const State *state, Work *work, double length)
{
    for (int64_t j = 0; j < setting->width; j++) {
        if (work->series.weight[j] == 0.0) { /* goes by itself from the start */
            work->time[j] = 0.0, work->event[j] = NONE;
            continue;
        }
        Meeting met = meeting_in_series(setting, state, work, j, length);
        work->time[j] = met.event == NONE ? INFINITY : met.time;
        work->event[j] = met.event;
    }
}

static double size_at(const double *c, int64_t terms, int64_t stride, int64_t rank, double t)
{
    double total = 0.0;
    for (int64_t i = 0; i < rank; i++) {
        double x = value_of(c + i, terms, stride, t);
        total += x * x;
    }
    return sqrt(total);
}

/* |ż_k| of neuron j at t */
static double speed_of(const Setting *setting, const Series *series, int64_t j, int64_t k, double t)
{
    int64_t stride = setting->width * setting->n_rows;
    const double *side = series->sides + j * setting->n_rows + k;
    double speed = 0.0;
    for (int64_t p = series->order; p > 0; p--)
        speed = speed * t + (double)p * side[p * stride];
    return fabs(speed);
}

/* How long after its meeting neuron j may be ignored by the others.

   From a kink on, h is wrong by a |ż| (t − t₀), so weights by half of a |ż| ‖x_k‖ (t − t₀)² / n. */
static double delay_of(const Setting *setting, const State *state, const Work *work, int64_t j)
{
    const Series *series = &work->series;
    int64_t m = setting->width, rank = setting->rank;
    double n = (double)setting->n_samples, t = work->time[j], weight = weight_of(state, j);
    int64_t k = work->event[j] > 0 ? work->event[j] : 0;
    double a = fabs(value_of(series->output + j, series->order + 1, m, t));
    double force = size_at(series->force + series->pattern[j] * rank, series->order, m * rank, rank, t) / n;
    double kink = weight * a * speed_of(setting, series, j, k, t) * setting->curvature[k] *
                  setting->norms[k] / n;
    double bend = weight * a * a * (force + 1.0 / n) / n;
    double allowed = SHARE * setting->tol;
    return fmin(sqrt(allowed / kink), cbrt(allowed / bend));
}

static double felt(const Setting *setting, const State *state, const Work *work, double length)
{
    for (int64_t j = 0; j < setting->width; j++)
        if (work->event[j] != NONE)
            length = smaller(length, work->time[j] + delay_of(setting, state, work, j));
    return length;
}

static void move(const Setting *setting, State *state, const Work *work, int64_t j, double t)
{
    const Series *series = &work->series;
    int64_t m = setting->width, rank = setting->rank, terms = series->order + 1;
    state->output[j] = value_of(series->output + j, terms, m, t);
    values_of(series->hidden + j * rank, terms, m * rank, rank, t, state->hidden + j * rank);
}

static void move_all(const Setting *setting, State *state, Work *work, double length)
{
    for (int64_t j = 0; j < setting->width; j++) {
        if (work->series.weight[j] > 0.0)
            move(setting, state, work, j, fmin(work->time[j], length));
        if (work->time[j] < length) {
            start_alone(setting, state, work, j);
            go_on_alone(setting, state, work, j, (Meeting){work->time[j], work->event[j]}, length, INT64_MAX);
        }
        slides_of(setting, state, &work->slides, j);
        settle(setting, state, &work->slides, j);
    }
}

/* How wrong weights are because r(t) ignored walls from `first` on. */
static double ignored(const Setting *setting, const State *state, Work *work, double first,
                      double length)
{
    if (!(first < length))
        return 0.0;
    int64_t n = setting->n_rows;
    double *expected = work->alone.residual, *found = work->alone.sides, error = 0.0;
    values_of(work->series.residual, work->series.order, n, n, length, expected);
    residuals(setting, state, work, found);
    for (int64_t k = 0; k < n; k++)
        error += fabs(found[k] - expected[k]) * setting->norms[k];
    return 0.5 * (length - first) * positive_part(error / (double)setting->n_samples - EVALUATION);
}

/* Whether a neuron that r(t) leaves out has grown so much that others feel it. */
static bool outgrow(const Setting *setting, const State *state, const Work *work)
{
    for (int64_t j = 0; j < setting->width; j++)
        if (work->series.weight[j] == 0.0 && weight_of(state, j) > OUTGROWN * setting->tol)
            return true;
    return false;
}

static void copy_state(const Setting *setting, const State *from, State *to)
{
    size_t m = (size_t)setting->width, n = (size_t)setting->n_rows;
    memcpy(to->scale, from->scale, m * sizeof(double));
    memcpy(to->output, from->output, m * sizeof(double));
    memcpy(to->hidden, from->hidden, m * (size_t)setting->rank * sizeof(double));
    memcpy(to->mode, from->mode, m * n);
    memcpy(to->chosen, from->chosen, m * n);
    memcpy(to->counts, from->counts, N_COUNTS * sizeof *to->counts);
}

/* The order for a step as long as this one: walls may end steps long before the series. */
static int64_t next_order(const Setting *setting, int64_t order, double longest, double length)
{
    if (length < 0.3 * longest)
        return order - 1 > LEAST_ORDER ? order - 1 : LEAST_ORDER;
    int64_t most = order_for(setting->tol);
    return order + 2 < most ? order + 2 : most;
}

/* Whether neuron j stands on a wall that repels it by more than rounding, which is not noted yet */
static bool stands_on_repelling(const Setting *setting, const State *state, const Work *work, int64_t j)
{
    const double *sides = work->series.sides + j * setting->n_rows, *w = state->hidden + j * setting->rank;
    const double *residual = work->series.residual;
    double near = ON_WALL * sqrt(dot(w, w, setting->rank));
    for (int64_t k = 0; k < setting->n_rows; k++) {
        int64_t pair = j * setting->n_rows + k;
        if (state->mode[pair] != 0 && !state->chosen[pair] && fabs(sides[k]) <= near * setting->norms[k] &&
            state->output[j] * residual[k] > 0.0 && !is_fitted(setting, residual[k], k))
            return true;
    }
    return false;
}

/* Note walls on which a neuron rests and that have begun to repel it: it stays, but could leave. */
static void note_choices(const Setting *setting, State *state, Work *work, int64_t j)
{
    int64_t n = setting->n_rows, g = work->series.pattern[j], counts[N_COUNTS];
    if (!stands_on_repelling(setting, state, work, j))
        return;
    memcpy(work->masked, state->mode + j * n, (size_t)n);
    memcpy(counts, state->counts, sizeof counts);
    decide(setting, state, work, j, NONE, work->series.sides + j * n, work->series.residual,
           work->series.force + g * setting->rank, work->bases + g, NULL);
    memcpy(state->mode + j * n, work->masked, (size_t)n);
    memcpy(state->counts, counts, sizeof counts);
}

/* Move the state by one step of at most `room`; return its length. */
double general_step(const Setting *setting, State *state, Work *work, int64_t *order, double room)
{
    expand_all(setting, state, work, *order > 0 ? *order : order_for(setting->tol));
    for (int64_t j = 0; j < setting->width; j++)
        note_choices(setting, state, work, j);
    double longest = shortest_length(setting, state, &work->series);
    double length = fmin(room, longest);
    if (!isfinite(length)) /* nothing moves */
        return length;
    meet(setting, state, work, length);
    length = felt(setting, state, work, length);
    double first = first_met(setting, work);
    copy_state(setting, state, &work->before);
    for (;;) {
        move_all(setting, state, work, length);
        double error = ignored(setting, state, work, first, length);
        if (error > setting->tol)
            length = first + 0.9 * (length - first) * sqrt(setting->tol / error);
        else if (outgrow(setting, state, work))
            length *= 0.5;
        else
            break;
        copy_state(setting, &work->before, state);
    }
    *order = length >= room ? work->series.order
                            : next_order(setting, work->series.order, longest, length);
    state->counts[EVALUATIONS] += work->series.order;
    return length;
}

/* Put neurons that start on walls there, and decide how they move on. */
void general_start(const Setting *setting, State *state, Work *work)
{
    int64_t n = setting->n_rows, rank = setting->rank;
    double *sides = work->alone.sides, *residual = work->alone.residual;
    residuals(setting, state, work, residual);
    for (int64_t j = 0; j < setting->width; j++) {
        double *w = state->hidden + j * rank, *force = work->alone.drive;
        int8_t *mode = state->mode + j * n;
        truncate_to(&work->slides, 0);
        settle(setting, state, &work->slides, j);
        multiply(1, w, &setting->to_sides, sides);
        memset(force, 0, (size_t)rank * sizeof(double));
        for (int64_t k = 0; k < n; k++) {
            if (fabs(sides[k]) <= ON_WALL * sqrt(dot(w, w, rank)) * setting->norms[k])
                mode[k] = -1;
            if (mode[k] > 0)
                add(force, setting->rows + k * rank, residual[k], rank);
        }
        decide(setting, state, work, j, NONE, sides, residual, force, &work->slides, NULL);
    }
}

/* r_k of a state */
void general_residuals(const Setting *setting, const State *state, Work *work,
                              double *residual)
{
    residuals(setting, state, work, residual);
}

/* D_j = (1/n) P_j Σ_{active} r_k x_k (m, r) at residuals r */
void general_forces(const Setting *setting, const State *state, Work *work, const double *residual,
                    double *force)
{
    int64_t n = setting->n_rows, rank = setting->rank;
    for (int64_t j = 0; j < setting->width; j++)
        for (int64_t k = 0; k < n; k++)
            work->masked[j * n + k] = state->mode[j * n + k] > 0
                                          ? residual[k] / (double)setting->n_samples
                                          : 0.0;
    multiply(setting->width, work->masked, &setting->to_rows, force);
    for (int64_t j = 0; j < setting->width; j++) {
        slides_of(setting, state, &work->slides, j);
        project_out(&work->slides, force + j * rank);
    }
}

/* The wall rule for one neuron on several walls */
void general_wall_rule(Walls *walls, WallsWork *work)
{
    wall_rule(walls, work);
}
