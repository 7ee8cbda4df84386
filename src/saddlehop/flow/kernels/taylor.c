/* One Taylor step: see taylor.h. */
#include "taylor.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "roots.h"

enum { LEAST_ORDER = 3 };
enum { TILE = 4096 }; /* pairs whose sums stay in a near cache */

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

/* Order of least work per time, from nanoseconds measured per pair and term.

   Order P costs about P²/3 + 4P for each moving pair and 30 for each alive one, and reaches as
   far as tol^{1/P}. */
static int64_t order_of_least_work(double tol, int64_t moving, int64_t alive, int64_t terms)
{
    int64_t best = 0;
    double least = INFINITY;
    for (int64_t order = 6; order < terms; order += 2) {
        double p = (double)order;
        double cost = 3000.0 + 30.0 * (double)alive + (double)moving * (p * p / 3.0 + 4.0 * p);
        double per_time = cost / pow(tol, 1.0 / p);
        if (per_time < least) {
            best = order;
            least = per_time;
        }
    }
    return best;
}

static bool is_below(double tol, const double *sizes, double aim, int64_t order)
{
    double power = pow(aim, (double)(order - 1));
    return sizes[order] * power * aim <= tol && sizes[order - 1] * power <= tol;
}

static double reach(double tol, const double *sizes, int64_t order)
{
    return sizes[order] == 0.0 ? INFINITY : pow(tol / sizes[order], 1.0 / (double)order);
}

/* Rows and factor of one term, (x_l)_q, (y_l)_q and b_l. */
typedef struct {
    const double *x, *y;
    double b;
} Term;

/* total_q += Σ_l b_l x_l and speed_q += Σ_l x_l y_l, over four terms. */
static void add_four(const Term t[4], int64_t count, double *restrict total, double *restrict speed)
{
    const double *x0 = t[0].x, *x1 = t[1].x, *x2 = t[2].x, *x3 = t[3].x;
    const double *y0 = t[0].y, *y1 = t[1].y, *y2 = t[2].y, *y3 = t[3].y;
    double b0 = t[0].b, b1 = t[1].b, b2 = t[2].b, b3 = t[3].b;
    for (int64_t q = 0; q < count; q++) {
        total[q] += (b0 * x0[q] + b1 * x1[q]) + (b2 * x2[q] + b3 * x3[q]);
        speed[q] += (x0[q] * y0[q] + x1[q] * y1[q]) + (x2[q] * y2[q] + x3[q] * y3[q]);
    }
}

static void add_one(Term t, int64_t count, double *restrict total, double *restrict speed)
{
    for (int64_t q = 0; q < count; q++) {
        total[q] += t.b * t.x[q];
        speed[q] += t.x[q] * t.y[q];
    }
}

/* Term l of (i + 1) u_{i+1} and (i + 1) a_{i+1}, from packed place q on. */
static Term weight_term(const State *state, const Work *work, int64_t j, int64_t q, int64_t i,
                        int64_t l)
{
    return (Term){pull_row(state, work, l) + q, hidden_row(state, work, i - l) + q,
                  output_row(state, work, i - l)[j]};
}

/* Fill up to TILE entries of term i + 1 of ũ from place q on; return their part of ȧ. */
static double weight_tile(const State *state, const Work *work, int64_t j, int64_t q,
                          int64_t count, int64_t i)
{
    double speed[TILE], *total = hidden_row(state, work, i + 1) + q;
    memset(speed, 0, (size_t)count * sizeof(double));
    memset(total, 0, (size_t)count * sizeof(double));
    int64_t l = 0;
    for (; l + 4 <= i + 1; l += 4) {
        Term four[4];
        for (int64_t part = 0; part < 4; part++)
            four[part] = weight_term(state, work, j, q, i, l + part);
        add_four(four, count, total, speed);
    }
    for (; l <= i; l++)
        add_one(weight_term(state, work, j, q, i, l), count, total, speed);
    return sum(speed, count);
}

static double share_out(double *row, int64_t count, double share)
{
    double largest = 0.0;
    for (int64_t q = 0; q < count; q++) {
        row[q] *= share;
        largest = larger(largest, fabs(row[q]));
    }
    return largest;
}

/* Fill terms i + 1 of ũ and ã; return the largest entry. */
static double weight_terms(const State *state, const Work *work, int64_t i)
{
    double share = 1.0 / (double)(i + 1), largest = 0.0;
    for (int64_t j = 0; j < state->width; j++) {
        int64_t start = work->bounds[j], stop = work->bounds[j + 1];
        double speed = 0.0;
        for (int64_t q = start; q < stop; q += TILE)
            speed += weight_tile(state, work, j, q, stop - q < TILE ? stop - q : TILE, i);
        output_row(state, work, i + 1)[j] = share * speed;
        largest = larger(largest, fabs(share * speed));
        double most = share_out(hidden_row(state, work, i + 1) + start, stop - start, share);
        largest = larger(largest, most);
    }
    return largest;
}

/* Fill `product` with w_j Σ_l a_l u_{i−l} for the pairs of neuron j. */
static void contributions(const State *state, const Work *work, int64_t j, int64_t i)
{
    int64_t start = work->bounds[j], count = work->bounds[j + 1] - start, l = 0;
    double *restrict product = work->product + start;
    memset(product, 0, (size_t)count * sizeof(double));
    const double *a = work->output_series + j, *u = work->hidden_series + start;
    int64_t m = state->width, n_pairs = state->n_pairs;
    double weight = work->weight[j];
    for (; l + 4 <= i + 1; l += 4) {
        const double *u0 = u + (i - l) * n_pairs, *u1 = u0 - n_pairs, *u2 = u1 - n_pairs,
                     *u3 = u2 - n_pairs;
        double b0 = weight * a[l * m], b1 = weight * a[(l + 1) * m];
        double b2 = weight * a[(l + 2) * m], b3 = weight * a[(l + 3) * m];
        for (int64_t q = 0; q < count; q++)
            product[q] += (b0 * u0[q] + b1 * u1[q]) + (b2 * u2[q] + b3 * u3[q]);
    }
    for (; l <= i; l++) {
        const double *u0 = u + (i - l) * n_pairs;
        double b0 = weight * a[l * m];
        for (int64_t q = 0; q < count; q++)
            product[q] += b0 * u0[q];
    }
}

/* Fill term i of the pulls. */
static void pull_terms(const Constants *constants, const State *state, Work *work, int64_t i)
{
    double *change = work->load;
    memset(change, 0, (size_t)constants->n_samples * sizeof(double));
    for (int64_t j = 0; j < state->width; j++) {
        contributions(state, work, j, i);
        for (int64_t q = work->bounds[j]; q < work->bounds[j + 1]; q++)
            change[work->packed_sample[q]] -= work->product[q];
    }
    for (int64_t k = 0; k < constants->n_samples; k++)
        change[k] *= constants->stiffness[k];
    double *pull = pull_row(state, work, i);
    for (int64_t q = 0; q < n_packed(state, work); q++)
        pull[q] = change[work->packed_sample[q]];
}

/* The earliest death on the tangents. */
static double next_death(const State *state, const Work *work)
{
    double earliest = INFINITY;
    const double *value = hidden_row(state, work, 0), *slope = hidden_row(state, work, 1);
    for (int64_t q = 0; q < n_packed(state, work); q++)
        if (slope[q] < 0.0 && value[q] + earliest * slope[q] < 0.0)
            earliest = -value[q] / slope[q];
    return earliest;
}

/* Fill the series; the step it is good for is at most `room`. */
Series expand(const Constants *constants, State *state, Work *work, double room)
{
    pack_moving(state, work);
    int64_t alive = 0;
    for (int64_t j = 0; j < state->width; j++)
        alive += state->alive[j];
    double tol = constants->step_tol, *sizes = work->sizes, aim = room;
    int64_t most = order_of_least_work(tol, n_packed(state, work), alive, work->n_terms);
    for (int64_t i = 0; i < most; i++) {
        int64_t order = i + 1;
        sizes[order] = weight_terms(state, work, i);
        work->counts[EVALUATIONS]++;
        work->counts[PAIRS_EVALUATED] += n_packed(state, work);
        if (i == 0)
            aim = smaller(room, AIM * next_death(state, work));
        else if (order >= LEAST_ORDER && is_below(tol, sizes, aim, order))
            return (Series){order, aim};
        if (order < most)
            pull_terms(constants, state, work, order);
    }
    double step = smaller(reach(tol, sizes, most), reach(tol, sizes, most - 1));
    return (Series){most, smaller(step, aim)};
}

/* A lower bound of the pair's weight over the step. */
static double least_over_step(const State *state, const Work *work, Series series, int64_t q)
{
    double low = work->hidden_series[q], power = 1.0;
    for (int64_t i = 1; i <= series.order; i++) {
        power *= series.step;
        low += smaller(hidden_row(state, work, i)[q] * power, 0.0);
    }
    return low;
}

static double death_of(const State *state, const Work *work, Series series, int64_t q)
{
    double coefficients[MOST_TERMS];
    for (int64_t i = 0; i <= series.order; i++)
        coefficients[i] = hidden_row(state, work, i)[q];
    return first_root(coefficients, series.order, series.step);
}

/* The first death before the end of the step; that end if there is none. */
FirstDeath first_death(const State *state, const Work *work, Series series)
{
    FirstDeath first = {series.step, -1};
    const double *value = hidden_row(state, work, 0), *slope = hidden_row(state, work, 1);
    double rest = 0.0, power = series.step;
    for (int64_t i = 2; i <= series.order; i++) {
        power *= series.step;
        rest += work->sizes[i] * power;
    }
    for (int64_t q = 0; q < n_packed(state, work); q++) {
        if (value[q] + smaller(slope[q] * first.time, 0.0) >= rest)
            continue;
        Series up_to_now = {series.order, first.time};
        if (least_over_step(state, work, up_to_now, q) >= 0.0)
            continue;
        double death = death_of(state, work, up_to_now, q);
        if (death < first.time)
            first = (FirstDeath){death, q};
    }
    return first;
}

/* Fill `product` with ũ at `time`. */
static void evaluate(const State *state, const Work *work, int64_t order, double time)
{
    int64_t count = n_packed(state, work);
    double *restrict value = work->product;
    memcpy(value, hidden_row(state, work, order), (size_t)count * sizeof(double));
    for (int64_t i = order - 1; i >= 0; i--) {
        const double *term = hidden_row(state, work, i);
        for (int64_t q = 0; q < count; q++)
            value[q] = value[q] * time + term[q];
    }
}

/* Put the moving pairs at `time` on their series. */
void move_along(State *state, Work *work, int64_t order, double time)
{
    evaluate(state, work, order, time);
    for (int64_t j = 0; j < state->width; j++) {
        if (state->moving[j] == 0)
            continue;
        double a = output_row(state, work, order)[j];
        for (int64_t i = order - 1; i >= 0; i--)
            a = a * time + output_row(state, work, i)[j];
        state->output[j] = a;
        const double *value = work->product + work->bounds[j];
        for (int64_t p = 0; p < state->moving[j]; p++)
            state->hidden[state->first[j] + p] = positive_part(value[p]);
    }
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
