/* A heteroclinic orbit, and passive neurons carried along it, by an explicit Runge–Kutta method.
 *
 * Row j of the state is (ℓ_j, V_j0 … V_jK), a_j = exp(ℓ_j) and V_jc = w_jc / a_j. With the residual
 * fractions f_c = 1 − Σ_active exp(2 ℓ_g) max(V_gc, 0) of the classes c < K, and f_K = 1,
 *
 *     ℓ̇_j = g_j = Σ_c s_jc f_c M_jc max(V_jc, 0),      V̇_jc = s_jc f_c − g_j V_jc.
 *
 * The first `n_active` rows make the residuals; the others only feel them. Column K stands for all
 * samples that the jump leaves open. A weight that falls to zero is dead: its s_jc becomes zero.
 * The tableau is Dormand and Prince's of order 8, given by the caller.
 *
 * The twins, in SciPy, are in the tests.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "api.h"

#define STAGES 12
#define NOISE 1e-8
#define LANES 4 /* of sums, which come out the same whatever the processor adds at once */

typedef double Lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(8), may_alias));

/* Neurons and classes. */
typedef struct {
    double *strength;   /* s (n_rows, K + 1) */
    const double *mass; /* M (n_rows, K + 1) */
    int64_t n_rows, n_active, n_classes;
} Orbit;

/* The method: stages, with the step itself as last row, and its errors of orders 5 and 3. */
typedef struct {
    const double *stages;         /* (STAGES + 1, STAGES) */
    const double *fifth, *third; /* (STAGES,) */
} Tableau;

/* Room for a step. */
typedef struct {
    double *slopes;    /* (STAGES, n_rows, K + 2) */
    double *fractions; /* (K,) */
    double *state;     /* (n_rows, K + 2) */
} Room;

API void fractions(const Orbit *, const double *state, double *f);
API void frozen_slope(const Orbit *, const double *state, double *f, double *out);
API int64_t integrate(const Orbit *, const Tableau *, const Room *, double *state, double rtol,
                      double end_fraction, double *nodes, int64_t most);
API void states_at(const Orbit *, const Tableau *, const Room *, const double *times,
                   const int64_t *node_of_time, int64_t n_times, const double *nodes,
                   const double *strength, double *out);
API void add_over_sets(const uint64_t *words, int64_t n_words, const int64_t *samples,
                       const int64_t *rows, int64_t n, const double *weights, double *sums,
                       int64_t width);

static int64_t n_columns(const Orbit *orbit)
{
    return orbit->n_classes + 2;
}

static int64_t size(const Orbit *orbit)
{
    return orbit->n_rows * n_columns(orbit);
}

static inline double positive(double x)
{
    return x > 0 ? x : 0.0;
}

/* Fill f (K,) with the residual fractions. */
void fractions(const Orbit *orbit, const double *state, double *f)
{
    for (int64_t c = 0; c < orbit->n_classes; c++)
        f[c] = 1.0;
    for (int64_t g = 0; g < orbit->n_active; g++) {
        const double *row = state + g * n_columns(orbit);
        double square = exp(2 * row[0]);
        for (int64_t c = 0; c < orbit->n_classes; c++)
            f[c] -= square * positive(row[c + 1]);
    }
}

/* Σ s f M max(V, 0) over the classes. */
static double growth_of(const double *s, const double *f, const double *mass, const double *v,
                        int64_t n)
{
    Lanes lanes = {0};
    double sum = 0.0;
    int64_t c = 0;
    for (; c + LANES <= n; c += LANES) {
        Lanes alive = *(const Lanes *)(v + c);
        for (int lane = 0; lane < LANES; lane++)
            alive[lane] = positive(alive[lane]);
        lanes += *(const Lanes *)(s + c) * *(const Lanes *)(f + c) * *(const Lanes *)(mass + c) *
                 alive;
    }
    for (int lane = 0; c < n; c++, lane++)
        lanes[lane] += s[c] * f[c] * mass[c] * positive(v[c]);
    for (int lane = 0; lane < LANES; lane++)
        sum += lanes[lane];
    return sum;
}

/* The slope of a row with strengths s. */
static void slope_of_row(const double *row, const double *s, const double *mass, const double *f,
                         int64_t n, double *restrict out)
{
    double growth = s[n] * row[n + 1] + growth_of(s, f, mass, row + 1, n);
    out[0] = growth;
    for (int64_t c = 0; c < n; c++)
        out[c + 1] = s[c] * f[c] - growth * row[c + 1];
    out[n + 1] = s[n] - growth * row[n + 1];
}

static void slope(const Orbit *orbit, const double *strength, const double *state, double *f,
                  double *out)
{
    int64_t n = orbit->n_classes;
    fractions(orbit, state, f);
    for (int64_t j = 0; j < orbit->n_rows; j++) {
        const double *s = strength + j * (n + 1), *mass = orbit->mass + j * (n + 1);
        slope_of_row(state + j * (n + 2), s, mass, f, n, out + j * (n + 2));
    }
}

/* The slope for an integrator that cannot bury: weights below zero stay where they are. */
void frozen_slope(const Orbit *orbit, const double *state, double *f, double *out)
{
    slope(orbit, orbit->strength, state, f, out);
    for (int64_t j = 0; j < orbit->n_rows; j++)
        for (int64_t c = 1; c < n_columns(orbit); c++)
            if (state[j * n_columns(orbit) + c] < -NOISE)
                out[j * n_columns(orbit) + c] = 0.0;
}

/* Multiples of slopes. */
typedef struct {
    double scales[STAGES];
    const double *slopes[STAGES]; /* (n,) each */
    int n_terms;
} Terms;

/* out = state + Σ_i scale_i slope_i, entry by entry in the order of i. */
static void combine(const double *state, const Terms *terms, int64_t n, double *restrict out)
{
    int64_t k = 0;
    for (; k + LANES <= n; k += LANES) {
        Lanes sum = *(const Lanes *)(state + k);
        for (int i = 0; i < terms->n_terms; i++)
            sum += terms->scales[i] * *(const Lanes *)(terms->slopes[i] + k);
        *(Lanes *)(out + k) = sum;
    }
    for (; k < n; k++) {
        out[k] = state[k];
        for (int i = 0; i < terms->n_terms; i++)
            out[k] += terms->scales[i] * terms->slopes[i][k];
    }
}

/* What a stage is made of. */
static Terms terms_of(const Tableau *tableau, int stage, double step, const double *slopes, int64_t n)
{
    Terms terms = {.n_terms = 0};
    for (int i = 0; i < stage; i++) {
        double weight = tableau->stages[stage * STAGES + i];
        if (weight == 0)
            continue;
        terms.scales[terms.n_terms] = step * weight;
        terms.slopes[terms.n_terms++] = slopes + i * n;
    }
    return terms;
}

/* Fill the slopes of all stages, the first being there; leave the new state in `out`. */
static void take_stages(const Orbit *orbit, const Tableau *tableau, const double *strength,
                        const double *state, double step, const Room *room, double *out)
{
    int64_t n = size(orbit);
    for (int stage = 1; stage <= STAGES; stage++) {
        Terms terms = terms_of(tableau, stage, step, room->slopes, n);
        combine(state, &terms, n, out);
        if (stage < STAGES)
            slope(orbit, strength, out, room->fractions, room->slopes + stage * n);
    }
}

/* The larger of two; what is not a number counts as infinite. */
static inline double larger(double a, double b)
{
    return b <= a ? a : isnan(b) ? INFINITY : b;
}

/* Errors of one step, in units of the tolerance. */
typedef struct {
    double fifth, third;
} Errors;

/* Raise the errors to those of an entry whose slopes lie n apart. */
static void raise_errors(const Tableau *tableau, const double *slopes, int64_t n, double scale,
                         Errors *worst)
{
    double fifth = 0.0, third = 0.0;
    for (int i = 0; i < STAGES; i++) {
        fifth += tableau->fifth[i] * slopes[i * n];
        third += tableau->third[i] * slopes[i * n];
    }
    worst->fifth = larger(worst->fifth, (fifth / scale) * (fifth / scale));
    worst->third = larger(worst->third, (third / scale) * (third / scale));
}

/* The same for LANES entries. */
static void raise_errors_of_lanes(const Tableau *tableau, const double *slopes, int64_t n,
                                  const double *scales, Errors *worst)
{
    Lanes fifth = {0}, third = {0}, scale = *(const Lanes *)scales;
    for (int i = 0; i < STAGES; i++) {
        Lanes slope = *(const Lanes *)(slopes + i * n);
        fifth += tableau->fifth[i] * slope;
        third += tableau->third[i] * slope;
    }
    fifth /= scale;
    third /= scale;
    for (int lane = 0; lane < LANES; lane++) {
        worst->fifth = larger(worst->fifth, fifth[lane] * fifth[lane]);
        worst->third = larger(worst->third, third[lane] * third[lane]);
    }
}

/* Raise the errors to those of the weights of a row, which starts at its entry 0. */
static void raise_errors_of_row(const Tableau *tableau, const double *old, const double *new,
                                const double *slopes, int64_t n, int64_t n_columns, double rtol,
                                Errors *worst)
{
    double scales[LANES];
    raise_errors(tableau, slopes, n, rtol, worst);
    for (int64_t c = 1; c < n_columns; c += LANES) {
        int count = n_columns - c < LANES ? (int)(n_columns - c) : LANES;
        for (int lane = 0; lane < count; lane++) {
            double before = fabs(old[c + lane]), after = fabs(new[c + lane]);
            scales[lane] = rtol * (1e-3 + (after > before ? after : before));
        }
        if (count == LANES)
            raise_errors_of_lanes(tableau, slopes + c, n, scales, worst);
        else
            for (int lane = 0; lane < count; lane++)
                raise_errors(tableau, slopes + c + lane, n, scales[lane], worst);
    }
}

/* Hairer's combination of the errors of orders 5 and 3, in units of the tolerance.
 *
 * The largest over all entries, not their mean: on late steps one fast class sets the pace.
 */
static double error_of(const Orbit *orbit, const Tableau *tableau, const double *state,
                       const Room *room, double step, double rtol)
{
    Errors worst = {0.0, 0.0};
    int64_t n = size(orbit), columns = n_columns(orbit);
    for (int64_t j = 0; j < n; j += columns)
        raise_errors_of_row(tableau, state + j, room->state + j, room->slopes + j, n, columns, rtol,
                            &worst);
    if (worst.fifth == 0 && worst.third == 0)
        return 0.0;
    return step * worst.fifth / sqrt(worst.fifth + 0.01 * worst.third);
}

static double largest_of(const double *values, int64_t n)
{
    double largest = 0.0;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(values[i]))
            return values[i];
        largest = fabs(values[i]) > largest ? fabs(values[i]) : largest;
    }
    return largest;
}

/* Weights below zero are dead; those of a fitted class hover there within rounding. */
static void bury(const Orbit *orbit, double *state)
{
    int64_t n = orbit->n_classes;
    for (int64_t j = 0; j < orbit->n_rows; j++)
        for (int64_t c = 0; c <= n; c++)
            if (state[j * (n + 2) + c + 1] < -NOISE) {
                state[j * (n + 2) + c + 1] = 0.0;
                orbit->strength[j * (n + 1) + c] = 0.0;
            }
}

/* Take a step whose error is within the tolerance; return its length and set that of the next. */
static double take_step(const Orbit *orbit, const Tableau *tableau, const Room *room, double *state,
                        double rtol, double *next)
{
    double step = *next, error;
    slope(orbit, orbit->strength, state, room->fractions, room->slopes);
    for (;;) {
        take_stages(orbit, tableau, orbit->strength, state, step, room, room->state);
        error = error_of(orbit, tableau, state, room, step, rtol);
        if (error <= 1)
            break;
        double factor = error < INFINITY ? 0.9 * pow(error, -0.125) : 0.1;
        step *= error < INFINITY && factor < 0.2 ? 0.2 : factor;
    }
    memcpy(state, room->state, (size_t)size(orbit) * sizeof *state);
    bury(orbit, state);
    double factor = error > 0 ? 0.9 * pow(error, -0.125) : 5.0;
    *next = step * (factor < 5.0 ? factor : 5.0);
    return step;
}

/* Go on until all residual fractions are below `end_fraction`; change `state` and the strengths.
 *
 * `nodes` (most, 1 + n_active (K + 2)) receives time and active rows at the start of every step
 * and at the end. Returns how many, or minus that if there was no room.
 */
int64_t integrate(const Orbit *orbit, const Tableau *tableau, const Room *room, double *state,
                  double rtol, double end_fraction, double *nodes, int64_t most)
{
    int64_t n_kept = orbit->n_active * n_columns(orbit);
    double time = 0.0, step = 0.1;
    for (int64_t count = 0; count < most; count++) {
        double *node = nodes + count * (1 + n_kept);
        node[0] = time;
        memcpy(node + 1, state, (size_t)n_kept * sizeof *node);
        fractions(orbit, state, room->fractions);
        if (largest_of(room->fractions, orbit->n_classes) <= end_fraction)
            return count + 1;
        time += take_step(orbit, tableau, room, state, rtol, &step);
    }
    return -most;
}

/* Strengths of the weights that are alive in a state. */
static void keep_alive(const Orbit *orbit, const double *strength, const double *state)
{
    int64_t n = orbit->n_classes;
    for (int64_t j = 0; j < orbit->n_rows; j++)
        for (int64_t c = 0; c <= n; c++)
            orbit->strength[j * (n + 1) + c] =
                state[j * (n + 2) + c + 1] > 0 ? strength[j * (n + 1) + c] : 0.0;
}

/* Fill `out` (n_times, n_rows, K + 2): one step each from the node before, of the same order. */
void states_at(const Orbit *orbit, const Tableau *tableau, const Room *room, const double *times,
               const int64_t *node_of_time, int64_t n_times, const double *nodes,
               const double *strength, double *out)
{
    int64_t n = size(orbit);
    for (int64_t i = 0; i < n_times; i++) {
        const double *node = nodes + node_of_time[i] * (1 + n), *state = node + 1;
        keep_alive(orbit, strength, state);
        slope(orbit, orbit->strength, state, room->fractions, room->slopes);
        take_stages(orbit, tableau, orbit->strength, state, times[i] - node[0], room, out + i * n);
    }
}

/* Add the weight of each sample to its row of `sums` (n_rows, width), for the neurons active on it. */
void add_over_sets(const uint64_t *words, int64_t n_words, const int64_t *samples,
                   const int64_t *rows, int64_t n, const double *weights, double *sums,
                   int64_t width)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t *active = words + samples[i] * n_words;
        double weight = weights[samples[i]], *row = sums + rows[i] * width;
        for (int64_t j = 0; j < width; j++)
            row[j] += weight * (double)(active[j >> 6] >> (j & 63) & 1);
    }
}
