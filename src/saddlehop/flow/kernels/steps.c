/* The loop over steps: see steps.h. */
#include "steps.h"

#include <math.h>
#include <string.h>

#include "choose.h"
#include "implicit.h"
#include "magnus.h"
#include "pull.h"
#include "stretch.h"
#include "taylor.h"

static double log_size(double value) { return value != 0.0 ? log(fabs(value)) : -INFINITY; }

/* Write what is known at the start of a step. */
static void record(const State *state, const Rows *rows, int64_t row, double loss, double sq_norm)
{
    int64_t m = state->width;
    rows->time[row] = state->time[0];
    rows->loss[row] = loss;
    rows->sq_norm[row] = sq_norm;
    memcpy(rows->scale + row * m, state->scale, (size_t)m * sizeof(double));
    for (int64_t j = 0; j < m; j++)
        rows->log_output[row * m + j] = state->scale[j] + log_size(state->output[j]);
}

/* Record the last piece of each neuron on a plateau in place of a series. */
static void record_pieces(const State *state, const Work *work, double *series)
{
    int64_t m = state->width;
    for (int64_t j = 0; j < m; j++) {
        Piece piece = work->pieces[j];
        series[j] = piece.start;
        series[m + j] = piece.a;
        series[2 * m + j] = piece.b;
        series[3 * m + j] = piece.rho;
    }
}

/* Go to the end of a Taylor step, or to the first death in it; return the time it took. */
static double take_series(const Constants *constants, State *state, Work *work, Series chosen,
                          double *series, double *stretch)
{
    Stretch in = stretch_of(work);
    memcpy(stretch, work->stretch, sizeof(Stretch));
    FirstDeath death =
        first_death(constants, state, work, (Series){chosen.order, stretched(in, chosen.step)});
    move_along(constants, state, work, chosen.order, death.time);
    size_t count = (size_t)(chosen.order + 1) * (size_t)state->width;
    memcpy(series, work->output_series, count * sizeof(double));
    if (death.place < 0)
        return chosen.step;
    strike_packed(state, work, death.place);
    return time_at(in, death.time);
}

/* Take the step; return the time it took. */
static double take(const Constants *constants, State *state, Work *work, Choice choice,
                   double *series, double *stretch)
{
    switch (choice.order) {
    case PLATEAU:
        pull_all(state, work, choice.length);
        work->counts[PLATEAU_STEPS]++;
        record_pieces(state, work, series);
        return choice.length;
    case STIFF:
        arrive(state, work);
        work->counts[STIFF_STEPS]++;
        return choice.length;
    case MAGNUS:
        land(state, work);
        return choice.length;
    default:
        return take_series(constants, state, work, (Series){choice.order, choice.length}, series,
                           stretch);
    }
}

/* Add to the clock, carrying the rounding error; arrive at the end exactly. */
static void pass_time(const Constants *constants, State *state, double length)
{
    double *time = state->time;
    if (length >= constants->t_end - time[0] - time[1]) {
        time[0] = constants->t_end;
        time[1] = 0.0;
        return;
    }
    double increment = length + time[1], total = time[0] + increment;
    time[1] = increment - (total - time[0]);
    time[0] = total;
}

/* Take up to `n_steps` steps in place; return the status, and the number taken.

   The row after the last step is written too. */
int64_t flow_advance(const Constants *constants, State *state, Work *work, const Rows *rows,
                     int64_t n_steps, int64_t *taken)
{
    for (*taken = 0;; ++*taken) {
        double sq_norm, loss;
        rescale(state);
        keep_balance(state);
        loss = survey(constants, state, work, &sq_norm);
        record(state, rows, *taken, loss, sq_norm);
        if (*taken == n_steps)
            return RUNNING;
        if (!isfinite(loss) || !isfinite(sq_norm))
            return OVERFLOWED;
        Choice choice = choose(constants, state, work);
        if (!isfinite(choice.length))
            return OVERFLOWED;
        if (choice.status != RUNNING)
            return choice.status;
        rows->order[*taken] = choice.order;
        double *series = rows->series + *taken * work->n_terms * state->width;
        double *stretch = rows->stretch + 3 * *taken;
        pass_time(constants, state, take(constants, state, work, choice, series, stretch));
    }
}

/* Prepare the step that starts at `state`; return its order. */
int64_t flow_prepare(const Constants *constants, State *state, Work *work)
{
    double sq_norm;
    rescale(state);
    keep_balance(state);
    survey(constants, state, work, &sq_norm);
    return choose(constants, state, work).order;
}

/* Move a prepared state along its step. */
void flow_move_to(const Constants *constants, State *state, Work *work, int64_t order,
                  double offset)
{
    switch (order) {
    case PLATEAU:
        pull_all(state, work, offset);
        return;
    case STIFF:
        implicit_step(constants, state, work, offset, stiff_levels(constants), INFINITY);
        arrive(state, work);
        return;
    case MAGNUS:
        if (offset > 0.0) {
            magnus_step(constants, state, work, offset);
            land(state, work);
        }
        return;
    default:
        move_along(constants, state, work, order, stretched(stretch_of(work), offset));
    }
}

double flow_loss(const Constants *constants, const State *state, Work *work)
{
    double sq_norm;
    return survey(constants, state, work, &sq_norm);
}

/* Move neuron j of a prepared plateau. */
void flow_pull_one(State *state, Work *work, int64_t j, double time)
{
    pull_one(state, work, j, time);
}

static double series_at(const double *series, int64_t n_terms, double t)
{
    double value = 0.0;
    for (int64_t i = n_terms - 1; i >= 0; i--)
        value = value * t + series[i];
    return value;
}

/* The t in (0, length] where log |Σ_i series_i s^i| first passes `level` going up. */
double flow_crossing_of_series(const double *series, int64_t n_terms, const double *stretch,
                               double level, double length)
{
    Stretch in = {stretch[0], stretch[1], stretch[2]};
    double low = 0.0, high = stretched(in, length);
    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);
        if (log_size(series_at(series, n_terms, middle)) >= level)
            high = middle;
        else
            low = middle;
    }
    return time_at(in, high);
}

static double log_output_at(const Piece *piece, double time)
{
    Grown end = output_at(piece, time);
    return end.growth + log_size(end.a);
}

/* The same under constant pulls; −1 if it is before the neuron's last piece. */
double flow_crossing_of_piece(const Piece *piece, double level, double length)
{
    double low = piece->start, high = length;
    if (log_output_at(piece, low) >= level)
        return -1.0;
    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);
        if (log_output_at(piece, middle) >= level)
            high = middle;
        else
            low = middle;
    }
    return high;
}
