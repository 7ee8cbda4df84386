/* One step through many deaths: see magnus.h. */
#include "magnus.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "pull.h"

/* E-folds in one exponential; a step with more is refused, for its error is nan. */
static const double LONGEST = 50.0;

enum row { START, FIRST, SECOND, MIDDLE, BETWEEN };

/* Rows of `curves`: d and ḋ at start, middle and end; the two constants; Σ_j w_j ã_j ũ_j at the
   start; of the ramps: value and slope at the end, mean, and 4 D₂. */
enum curve {
    D_START, SLOPE_START, D_MIDDLE, SLOPE_MIDDLE, D_END, SLOPE_END, EARLY, LATE, BASE,
    RAMP, RAMP_SLOPE, RAMP_MEAN, RAMP_TILT
};

/* What the parts of a step read and write. */
typedef struct {
    const Constants *constants;
    const State *state;
    Work *work;
    double step;
} Step;

static double *curve_of(const Step *at, enum curve row)
{
    return at->work->curves + row * at->constants->n_samples;
}

static void zero(double *entries, int64_t count)
{
    memset(entries, 0, (size_t)count * sizeof(double));
}

/* The kink c of a pair that dies `ago` before the end of the step. */
static double kink(const Step *at, int64_t j, int32_t k, double ago)
{
    const double *a = at->work->output_series;
    int64_t m = at->state->width;
    double a_end = a[SECOND * m + j], rise = (a[START * m + j] - a_end) / at->step;
    double start = curve_of(at, D_START)[k], end = curve_of(at, D_END)[k];
    double pull = end + ago / at->step * (start - end), a_then = a_end + rise * ago;
    return at->constants->stiffness[k] * at->work->weight[j] * (a_then * a_then) * pull;
}

/* Fill the ramps of row 2 over an interval of length `span` that ends `later` before its end. */
static void fill_ramps(const Step *at, double later, double span)
{
    const double *hidden = hidden_row(at->state, at->work, SECOND);
    double *ramp = curve_of(at, RAMP), *ramp_slope = curve_of(at, RAMP_SLOPE);
    double *mean = curve_of(at, RAMP_MEAN), *tilt = curve_of(at, RAMP_TILT);
    zero(ramp, 4 * at->constants->n_samples);
    for (int64_t j = 0; j < at->state->width; j++)
        for (int64_t q = at->work->bounds[j]; q < at->work->bounds[j + 1]; q++) {
            double since = -hidden[q] - later;
            if (!(hidden[q] < 0.0 && 0.0 < since && since <= span))
                continue;
            int32_t k = at->work->packed_sample[q];
            double slope = kink(at, j, k, -hidden[q]), square = slope * since * since / span;
            ramp[k] += slope * since;
            ramp_slope[k] += slope;
            mean[k] += 0.5 * square;
            tilt[k] += square * (1.0 - since / (1.5 * span));
        }
}

/* Fill the two constants for d and ḋ at both ends of a length, and the ramps between. */
static void cubic(const Step *at, enum curve left, enum curve right, double length)
{
    const double *d = curve_of(at, left), *rise = curve_of(at, left + 1);
    const double *d_right = curve_of(at, right), *rise_right = curve_of(at, right + 1);
    const double *ramp = curve_of(at, RAMP), *ramp_slope = curve_of(at, RAMP_SLOPE);
    const double *ramp_mean = curve_of(at, RAMP_MEAN), *ramp_tilt = curve_of(at, RAMP_TILT);
    double *restrict early = curve_of(at, EARLY), *restrict late = curve_of(at, LATE);
    for (int64_t k = 0; k < at->constants->n_samples; k++) {
        double d_end = d_right[k] - ramp[k];
        double slope = length * rise[k], slope_end = length * (rise_right[k] - ramp_slope[k]);
        double mean = 0.5 * (d[k] + d_end) + (slope - slope_end) / 12.0 + ramp_mean[k];
        double tilt = 0.4 * (d_end - d[k]) - (slope + slope_end) / 30.0 + ramp_tilt[k];
        early[k] = mean - tilt;
        late[k] = mean + tilt;
    }
}

/* The first constants: d on its tangent at the start. */
static void tangent(const Step *at)
{
    const double *d = curve_of(at, D_START), *rise = curve_of(at, SLOPE_START);
    double *early = curve_of(at, EARLY), *late = curve_of(at, LATE);
    for (int64_t k = 0; k < at->constants->n_samples; k++) {
        double slope = at->step * rise[k];
        early[k] = d[k] + slope / 6.0;
        late[k] = d[k] + slope * (5.0 / 6.0);
    }
}

/* Fill d and ḋ in the middle: the cubic through both ends without the ramps, then what those add
   up to there. */
static void fill_middle(const Step *at)
{
    double *d = curve_of(at, D_MIDDLE), *rise = curve_of(at, SLOPE_MIDDLE);
    const double *d_start = curve_of(at, D_START), *rise_start = curve_of(at, SLOPE_START);
    const double *d_end = curve_of(at, D_END), *rise_end = curve_of(at, SLOPE_END);
    const double *ramp = curve_of(at, RAMP), *ramp_slope = curve_of(at, RAMP_SLOPE);
    double step = at->step;
    for (int64_t k = 0; k < at->constants->n_samples; k++) {
        double end = d_end[k] - ramp[k];
        double slope = step * rise_start[k], slope_end = step * (rise_end[k] - ramp_slope[k]);
        d[k] = 0.5 * (d_start[k] + end) + 0.125 * (slope - slope_end);
        rise[k] = (1.5 * (end - d_start[k]) - 0.25 * (slope + slope_end)) / step;
    }
    fill_ramps(at, 0.5 * step, 0.5 * step);
    for (int64_t k = 0; k < at->constants->n_samples; k++) {
        d[k] += ramp[k];
        rise[k] += ramp_slope[k];
    }
}

/* Add Σ_j w_j ã_j ũ_jk to `total`. */
static void add_contributions(const Step *at, enum row row, double *total)
{
    const Work *work = at->work;
    const double *hidden = hidden_row(at->state, work, row), *a = output_row(at->state, work, row);
    for (int64_t j = 0; j < at->state->width; j++) {
        double weighted = work->weight[j] * a[j];
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
            total[work->packed_sample[q]] += weighted * positive_part(hidden[q]);
    }
}

/* Fill `squares` with Σ_j w_j a_j², and `slope` with Σ_j w_j ȧ_j u_jk. */
static void add_slopes(const Step *at, enum row row, const double *pull, double *slope,
                       double *squares)
{
    const Work *work = at->work;
    for (int64_t j = 0; j < at->state->width; j++) {
        int64_t start = work->bounds[j], count = work->bounds[j + 1] - start;
        const double *hidden = hidden_row(at->state, work, row) + start;
        const int32_t *sample = work->packed_sample + start;
        double *restrict part = work->segment, a = output_row(at->state, work, row)[j];
        for (int64_t p = 0; p < count; p++)
            part[p] = pull[sample[p]] * positive_part(hidden[p]);
        double speed = sum(part, count) * work->weight[j], square = work->weight[j] * (a * a);
        for (int64_t p = 0; p < count; p++) {
            slope[sample[p]] += speed * positive_part(hidden[p]);
            squares[sample[p]] += hidden[p] >= 0.0 ? square : 0.0;
        }
    }
}

/* Fill ḋ_k = −κ_k Σ_j w_j (ȧ_j u_jk + a_j² d_k) of a row, the curve after that of d. */
static void fill_slopes(const Step *at, enum row row, enum curve d)
{
    const double *pull = curve_of(at, d), *stiffness = at->constants->stiffness;
    double *slope = curve_of(at, d + 1), *squares = at->work->change;
    int64_t n = at->constants->n_samples;
    zero(slope, n);
    zero(squares, n);
    add_slopes(at, row, pull, slope, squares);
    for (int64_t k = 0; k < n; k++)
        slope[k] = -stiffness[k] * (slope[k] + squares[k] * pull[k]);
}

/* Fill d and ḋ of a row. */
static void measure(const Step *at, enum row row, enum curve target)
{
    int64_t n = at->constants->n_samples;
    double *load = at->work->load, *d = curve_of(at, target);
    const double *base = curve_of(at, BASE);
    zero(load, n);
    add_contributions(at, row, load);
    for (int64_t k = 0; k < n; k++)
        d[k] = at->work->pull[k] + at->constants->stiffness[k] * (base[k] - load[k]);
    fill_slopes(at, row, target);
}

/* Move the pairs of a neuron, of which some die, from `old`; return its output weight. */
static double pull_through_deaths(Work *work, int64_t j, double a, const double *old, Pairs pairs,
                                  double time, double bound)
{
    memcpy(pairs.hidden, old, (size_t)pairs.count * sizeof(double));
    Grown end = pull_pairs(a, pairs, time, bound, work, &work->pieces[j]);
    double growth = exp(end.growth);
    for (int64_t p = 0; p < pairs.count; p++) {
        if (pairs.hidden[p] >= 0.0)
            pairs.hidden[p] *= growth;
        else if (old[p] < 0.0)
            pairs.hidden[p] -= time;
    }
    return end.a * growth;
}

/* Move the pairs by A = `moved`, the dead ones in time; tell whether one dies. */
static bool move_pairs(const double *restrict old, Pairs pairs, double moved, double time)
{
    const double *restrict pull = pairs.pull;
    double *restrict hidden = pairs.hidden, lowest = 0.0;
    for (int64_t p = 0; p < pairs.count; p++) {
        hidden[p] = old[p] + (old[p] >= 0.0 ? pull[p] * moved : -time);
        lowest = smaller(lowest, old[p] >= 0.0 ? hidden[p] : 0.0);
    }
    return lowest < 0.0;
}

/* Move neuron j for `time` under one row of `curves`. */
static void pull_packed(const Step *at, int64_t j, enum curve curve, double time, enum row source,
                        enum row target)
{
    Work *work = at->work;
    int64_t start = work->bounds[j], count = work->bounds[j + 1] - start;
    const double *old = hidden_row(at->state, work, source) + start;
    const double *constant = curve_of(at, curve);
    const int32_t *sample = work->packed_sample + start;
    Pairs pairs = {hidden_row(at->state, work, target) + start, work->segment, count};
    double a = output_row(at->state, work, source)[j];
    double *end = output_row(at->state, work, target) + j;
    for (int64_t p = 0; p < count; p++)
        pairs.pull[p] = old[p] >= 0.0 ? constant[sample[p]] : 0.0;
    double b = dot(pairs.pull, old, count), sq_rho = dot(pairs.pull, pairs.pull, count);
    double rho = sqrt(sq_rho);
    if (!(rho * time <= LONGEST)) { /* or not a number, after such a step of another neuron */
        memcpy(pairs.hidden, old, (size_t)count * sizeof(double));
        *end = NAN;
        return;
    }
    double swing = sinh(0.5 * rho * time), rise = 2.0 * swing * swing; /* cosh − 1 */
    double ramp = rho > 0.0 ? 2.0 * swing * sqrt(1.0 + swing * swing) / rho : time;
    double lift = rho > 0.0 ? rise / sq_rho : 0.5 * time * time;
    double moved = a * ramp + b * lift;
    *end = a + a * rise + b * ramp;
    bool dies = move_pairs(old, pairs, moved, time), turns = a * *end <= 0.0;
    if (dies || turns)
        *end = pull_through_deaths(work, j, a, old, pairs, time, turns ? UNBOUNDED : fabs(moved));
}

/* Apply the two exponentials over a length. */
static void pull_twice(const Step *at, double length, enum row source, enum row target)
{
    for (int64_t j = 0; j < at->state->width; j++)
        if (at->work->bounds[j] < at->work->bounds[j + 1]) {
            pull_packed(at, j, EARLY, 0.5 * length, source, BETWEEN);
            pull_packed(at, j, LATE, 0.5 * length, BETWEEN, target);
        }
}

/* The largest difference between rows 1 and 2. */
static double difference(const State *state, const Work *work)
{
    double largest = 0.0;
    bool is_finite = true;
    const double *a = output_row(state, work, FIRST), *b = output_row(state, work, SECOND);
    for (int64_t j = 0; j < state->width; j++)
        if (work->bounds[j] < work->bounds[j + 1]) {
            largest = larger(largest, fabs(a[j] - b[j]));
            is_finite = is_finite && isfinite(a[j] - b[j]);
        }
    const double *u = hidden_row(state, work, FIRST), *v = hidden_row(state, work, SECOND);
    for (int64_t q = 0; q < n_packed(state, work); q++) {
        double change = fabs(positive_part(u[q]) - positive_part(v[q]));
        largest = larger(largest, change);
        is_finite = is_finite && isfinite(change);
    }
    return is_finite ? largest : INFINITY;
}

/* Go from `source` to `target` between two curves, past the deaths of row 2 between. */
static void sweep(const Step *at, enum curve left, enum curve right, double later, double length,
                  enum row source, enum row target)
{
    fill_ramps(at, later, length);
    cubic(at, left, right, length);
    pull_twice(at, length, source, target);
}

/* Fill row 1 with the state after `step`; return the error. */
double magnus_step(const Constants *constants, const State *state, Work *work, double step)
{
    const Step whole = {constants, state, work, step}, *at = &whole;
    double half = 0.5 * step;
    work->counts[EVALUATIONS] += 4;
    work->counts[PAIRS_EVALUATED] += 4 * n_packed(state, work);
    zero(curve_of(at, BASE), constants->n_samples);
    add_contributions(at, START, curve_of(at, BASE));
    memcpy(curve_of(at, D_START), work->pull, (size_t)constants->n_samples * sizeof(double));
    fill_slopes(at, START, D_START);
    tangent(at);
    pull_twice(at, step, START, SECOND);
    measure(at, SECOND, D_END);
    sweep(at, D_START, D_END, 0.0, step, START, SECOND);
    measure(at, SECOND, D_END);
    fill_ramps(at, 0.0, step);
    fill_middle(at);
    cubic(at, D_START, D_MIDDLE, half);
    pull_twice(at, half, START, MIDDLE);
    measure(at, MIDDLE, D_MIDDLE);
    sweep(at, D_MIDDLE, D_END, 0.0, half, MIDDLE, FIRST);
    return difference(state, work);
}

/* Take over row 1 and strike off the dead; the packing is void after that. */
void land(State *state, Work *work)
{
    const double *hidden = hidden_row(state, work, FIRST), *output = output_row(state, work, FIRST);
    for (int64_t j = 0; j < state->width; j++) {
        int64_t start = work->bounds[j], stop = work->bounds[j + 1];
        if (start == stop)
            continue;
        state->output[j] = output[j];
        for (int64_t q = stop - 1; q >= start; q--) { /* backwards: the dead change places */
            int64_t p = state->first[j] + q - start;
            state->hidden[p] = hidden[q];
            if (!(hidden[q] < 0.0))
                continue;
            state->hidden[p] = 0.0;
            kill_moving(state, j, p);
            work->counts[DEATHS]++;
        }
    }
}
