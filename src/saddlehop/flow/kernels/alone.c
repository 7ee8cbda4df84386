/* One neuron along given series of the pulls: see alone.h. */
#include "alone.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "roots.h"
#include "series.h"

/* Fill `part` with what d_l, l < order, are in term `order` of ũ, then zeros. */
void fill_term(const Work *work, const double *series, int64_t order, double *part)
{
    for (int64_t l = 0; l < order; l++)
        part[l] = work->inverse[order] * series[l + 1 - order];
    for (int64_t l = order; l < to_blocks(order); l++)
        part[l] = 0.0;
}

/* Fill `moved` with what d_l are in ũ at `time`: Σ_i a_i time^{i+l+1} / (i + l + 1). */
void fill_moved(const Work *work, const double *series, int64_t order, double time, double *moved)
{
    double power = time;
    for (int64_t l = 0; l < to_blocks(order); l++, power *= time) {
        double value = 0.0;
        for (int64_t i = order - 1 - l; i >= 0; i--)
            value = value * time + work->inverse[i + l + 1] * series[-i];
        moved[l] = power * value;
    }
}

/* ã at `time` */
double value_of(const double *series, int64_t order, double time)
{
    double value = 0.0;
    for (int64_t i = order; i >= 0; i--)
        value = value * time + series[-i];
    return value;
}

/* Σ_i |x_i| t^i over entries `apart` from each other. */
static double size_of(const double *x, int64_t apart, int64_t count, double time)
{
    double size = 0.0;
    for (int64_t i = count - 1; i >= 0; i--)
        size = size * time + fabs(x[i * apart]);
    return size;
}

/* Fill `rest` with how far the pull on each sample may come to be from d_0 until `time`. */
void fill_turn(const Constants *constants, const Work *work, int64_t order, double time)
{
    for (int64_t k = 0; k < constants->n_samples; k++)
        work->rest[k] = time * size_of(row_of_pulls(work, k) + 1, 1, order - 1, time);
}

/* The way of the packed neuron j. */
Way way_of(const State *state, const Work *work, int64_t j)
{
    int64_t start = work->bounds[j];
    return (Way){series_of(work, j), work->hidden_series + start, work->pull_series + start,
                 row_of_pulls(work, 0), work->rest, work->packed_sample + start,
                 work->bounds[j + 1] - start, 1, state->sign[j]};
}

static const double *pull_on(const Way *way, int64_t p)
{
    return way->pulls + (way->sample ? way->sample[p] * ROW : p);
}

/* How far −s d may come to be above 0; |d| for a neuron of no constant sign. */
static double most_against(const Way *way, int64_t p)
{
    double turn = way->turn[way->sample ? way->sample[p] : p], pull = way->pull[p];
    return positive_part(turn - (way->sign == 0.0 ? -fabs(pull) : way->sign * pull));
}

/* Fill the coefficients of a pair's ũ. */
static void fill_pair(const Work *work, const Way *way, int64_t p, int64_t order,
                      double *coefficients)
{
    const double *pull = pull_on(way, p);
    coefficients[0] = way->hidden[p];
    for (int64_t i = 1; i <= order; i++) {
        double total = 0.0;
        for (int64_t l = 0; l < i; l++)
            total += way->series[l + 1 - i] * pull[l * way->apart];
        coefficients[i] = work->inverse[i] * total;
    }
}

/* When a pair dies before `time`, else that. */
static double death_of(const double *coefficients, int64_t order, double time)
{
    double low = coefficients[0], power = 1.0;
    for (int64_t i = 1; i <= order; i++) {
        power *= time;
        low += smaller(coefficients[i] * power, 0.0);
    }
    return low >= 0.0 ? time : smaller(time, first_root(coefficients, order, time));
}

/* The first death of a pair before `time`. */
FirstDeath first_death_on(const Work *work, const Way *way, int64_t order, double time)
{
    FirstDeath first = {time, -1};
    double coefficients[MOST_TERMS], moved = time * size_of(way->series, -1, order, time);
    for (int64_t p = 0; p < way->count; p++) {
        if (way->hidden[p] >= moved * most_against(way, p))
            continue;
        fill_pair(work, way, p, order, coefficients);
        double death = death_of(coefficients, order, first.time);
        if (death < first.time)
            first = (FirstDeath){death, p};
    }
    return first;
}

/* What `move_alone` holds of a neuron: its series backwards from the middle on; of the pairs that
   are alive ũ, the rows d_0, d_1, ..., and their places among the moving ones. */
typedef struct {
    double series[2 * ROW + BLOCK], gram[MOST_GRAM], *hidden, *pulls, *place, *turn;
    int64_t count, apart;
} Alone;

/* Take over the pairs of neuron j. */
static Alone set_out(const Constants *constants, const State *state, const Work *work, int64_t j,
                     int64_t order)
{
    int64_t start = work->bounds[j], count = work->bounds[j + 1] - start, n = constants->n_samples;
    Alone at = {{0.0}, {0.0}, hidden_row(state, work, 1) + start, work->alone,
                work->alone + ROW * n, work->alone + (ROW + 1) * n, count, n};
    memcpy(at.series, series_of(work, j) - ROW, sizeof at.series);
    memcpy(at.hidden, work->hidden_series + start, (size_t)count * sizeof(double));
    for (int64_t p = 0; p < count; p++) {
        const double *pull = row_of_pulls(work, work->packed_sample[start + p]);
        at.place[p] = (double)p;
        for (int64_t l = 0; l < order; l++)
            at.pulls[l * n + p] = pull[l];
    }
    return at;
}

/* Bring the pairs to `time`, and the series of their pulls about it. */
static void go_to(const Work *work, Alone *at, int64_t order, double time)
{
    double moved[ROW], *a = at->series + ROW, *restrict u = at->hidden;
    fill_moved(work, a, order, time, moved);
    a[0] = value_of(a, order, time);
    for (int64_t l = 0; l < order; l++) {
        const double *d = at->pulls + l * at->apart;
        for (int64_t p = 0; p < at->count; p++)
            u[p] += moved[l] * d[p];
    }
    for (int64_t i = 0; i < order; i++)
        for (int64_t low = order - 2; low >= i; low--) {
            double *restrict d = at->pulls + low * at->apart;
            const double *next = d + at->apart;
            for (int64_t p = 0; p < at->count; p++)
                d[p] += time * next[p];
        }
}

/* Leave a pair behind, marked in the state. */
static void bury(State *state, int64_t j, Alone *at, int64_t p, int64_t order)
{
    int64_t last = --at->count;
    state->hidden[state->first[j] + (int64_t)at->place[p]] = -1.0;
    at->place[p] = at->place[last];
    at->hidden[p] = at->hidden[last];
    for (int64_t l = 0; l < order; l++)
        at->pulls[l * at->apart + p] = at->pulls[l * at->apart + last];
}

/* Fill the series of ã from its first term on. */
static void fill_series(const Work *work, Alone *at, int64_t order)
{
    double share[MOST_GRAM], *a = at->series + ROW;
    memset(at->series, 0, ROW * sizeof(double));
    for (int64_t i = 0; i < order; i++) {
        const double *d = at->pulls + i * at->apart;
        for (int64_t l = 0; i > 0 && 2 * l <= i - 1; l++)
            at->gram[gram_place(i - 1) + l] = dot(at->pulls + l * at->apart,
                                                  at->pulls + (i - 1 - l) * at->apart, at->count);
        fill_gram_shares(work, i, share);
        double speed = dot(d, at->hidden, at->count) + pull_on_rest(at->gram, a, i, share);
        a[-(i + 1)] = work->inverse[i + 1] * speed;
    }
}

/* Write back what is alive and strike off the rest; the packing is void after that. */
static void put_back(State *state, Work *work, int64_t j, const Alone *at)
{
    double *hidden = state->hidden + state->first[j];
    state->output[j] = at->series[ROW];
    output_row(state, work, 1)[j] = NAN; /* no series of ã holds for the whole step */
    for (int64_t p = 0; p < at->count; p++)
        hidden[(int64_t)at->place[p]] = positive_part(at->hidden[p]);
    for (int64_t p = state->moving[j] - 1; p >= 0; p--) /* backwards: the dead change places */
        if (hidden[p] < 0.0) {
            hidden[p] = 0.0;
            kill_moving(state, j, state->first[j] + p);
            work->counts[DEATHS]++;
        }
}

/* The first death before `time`. */
static FirstDeath next_death(const Work *work, const Alone *at, int64_t order, double time,
                             double sign)
{
    Way way = {at->series + ROW, at->hidden, at->pulls, at->pulls, at->turn, NULL, at->count,
               at->apart, sign};
    for (int64_t p = 0; p < at->count; p++)
        at->turn[p] = time * size_of(at->pulls + at->apart + p, at->apart, order - 1, time);
    return first_death_on(work, &way, order, time);
}

/* Move a neuron past the deaths of its pairs until `time`; tell whether there were any. */
bool move_alone(const Constants *constants, State *state, Work *work, int64_t j, int64_t order,
                double time)
{
    Way way = way_of(state, work, j);
    FirstDeath death = first_death_on(work, &way, order, time);
    if (death.place < 0)
        return false;
    Alone at = set_out(constants, state, work, j, order);
    while (death.place >= 0) {
        go_to(work, &at, order, death.time);
        bury(state, j, &at, death.place, order);
        time -= death.time;
        fill_series(work, &at, order);
        death = next_death(work, &at, order, time, way.sign);
    }
    go_to(work, &at, order, time);
    put_back(state, work, j, &at);
    return true;
}
