/* Alignment of one neuron at a time, in the variable A = ∫ a dt.
 *
 * For a neuron with a > 0 (mirror the pulls otherwise) the alive coordinates are u_k + e_k A, so
 *
 *     a² = φ(A) = a(0)² − Σ u_k² + Σ max(u_k + e_k A, 0)²,       b = ȧ = Σ e_k (u_k + e_k A)
 *
 * sums over k alive at the start. Coordinate k with e_k < 0 dies at A = −u_k / e_k. Between two
 * deaths φ is a quadratic: with R² = Σ e_k² over the alive, c = b / R and x = R ΔA,
 *
 *     c' = c + x,     a'² = a² + x (c + c'),     (a' + c') / (a + c) = exp(R Δt)
 *
 * Quantities that could cancel are summed from the last death backwards, where all terms are
 * positive. The caller scales the pulls e to at most 1.
 *
 * The plain twin is twins.align_neuron, which goes in time.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>

#include "api.h"
#include "deaths.h"

#define LEAST_PULL 1e-140 /* relative to the largest; below, squares lose their digits */

/* The starts of all neurons. */
typedef struct {
    const double *output; /* (width,) */
    const double *hidden; /* (width, n) */
    const double *pulls;  /* (n,) */
    int64_t width, n;
} Starts;

/* What becomes of them. */
typedef struct {
    uint64_t *words; /* (n, n_words): bits of S_j, none set */
    int8_t *signs;   /* (width,) */
    int8_t *stalled; /* (width,): 0 */
    int64_t n_words;
} Sets;

/* One neuron: a, coordinates u and their pulls e. */
typedef struct {
    double a;
    double *u, *e; /* (n,) */
    int64_t n;
} Neuron;

/* The start of a piece between two deaths; R over the coordinates alive from there on. */
typedef struct {
    double at, radius, phi, c; /* A, R, φ, c */
} Piece;

/* The walk of a neuron: its deaths in order and the pieces between them, one more. */
typedef struct {
    Death *deaths, *spare; /* (n,) */
    Piece *pieces;         /* (n + 1,) */
    int64_t n_deaths;
} Walk;

/* Where a reaches zero. */
typedef struct {
    int64_t piece; /* −1 if it never does */
    double at;
    int is_double; /* it only touches zero */
} Turn;

API void align_neurons(const Starts *, const Sets *, double *memory);
API void growth_constants(const Starts *, double *memory, double *log_growth);

/* Take room for a neuron and its walk out of 10 n + 4 numbers. */
static void take_room(double *memory, int64_t n, Neuron *neuron, Walk *walk)
{
    neuron->u = memory;
    neuron->e = memory + n;
    neuron->n = n;
    walk->deaths = (Death *)(memory + 2 * n);
    walk->spare = walk->deaths + n;
    walk->pieces = (Piece *)(walk->spare + n);
}

static double largest_of(double a, const double *u, int64_t n)
{
    double largest = fabs(a);
    for (int64_t k = 0; k < n; k++)
        largest = u[k] > largest ? u[k] : largest;
    return largest;
}

/* A power of two that brings a start near order 1, so that its squares are within range. */
static double unit_of(double a, const double *u, int64_t n)
{
    int exponent;
    frexp(largest_of(a, u, n), &exponent);
    return ldexp(1.0, -exponent < 1000 ? -exponent : 1000);
}

/* Sign of a just after the start: of a, or of ȧ if a = 0; 0 if that is zero to rounding. */
static int first_sign(double a, const double *u, const double *pulls, int64_t n)
{
    if (a != 0)
        return a > 0 ? 1 : -1;
    double unit = unit_of(a, u, n), slope = 0.0, size = 0.0;
    for (int64_t k = 0; k < n; k++) {
        double alive = (u[k] > 0 ? u[k] : 0.0) * unit;
        slope += pulls[k] * alive;
        size += fabs(pulls[k]) * alive;
    }
    if (!(fabs(slope) > (double)(4 * n) * DBL_EPSILON * size))
        return 0;
    return slope > 0 ? 1 : -1;
}

/* a² − Σ u² over the coordinates that shrink, zero if that is within rounding. */
static double gap_of(const Neuron *neuron)
{
    double shrinking = 0.0;
    int64_t count = 0;
    for (int64_t k = 0; k < neuron->n; k++) {
        int shrinks = (neuron->u[k] > 0) & (neuron->e[k] < 0);
        shrinking += shrinks * (neuron->u[k] * neuron->u[k]); /* no branch: it cannot be foreseen */
        count += shrinks;
    }
    double gap = neuron->a * neuron->a - shrinking;
    return fabs(gap) <= (double)(count + 4) * DBL_EPSILON * shrinking ? 0.0 : gap;
}

/* Whether a can reach zero: only if the shrinking coordinates outweigh it. */
static int may_turn(const Neuron *neuron)
{
    return neuron->a != 0 && gap_of(neuron) < 0;
}

/* List the deaths in order; return whether a pull has a square beyond the range of floats. */
static int list_deaths(const Neuron *neuron, Walk *walk)
{
    int is_wide = 0;
    walk->n_deaths = 0;
    for (int64_t k = 0; k < neuron->n; k++) {
        int dies = (neuron->u[k] > 0) & (neuron->e[k] < 0);
        walk->deaths[walk->n_deaths] = (Death){neuron->u[k] / -neuron->e[k], k};
        walk->n_deaths += dies;
        is_wide |= dies & (neuron->e[k] > -LEAST_PULL);
    }
    sort_deaths(walk->deaths, walk->spare, walk->n_deaths);
    return is_wide;
}

static inline int grows(const Neuron *neuron, int64_t k)
{
    return neuron->u[k] > 0 && neuron->e[k] > 0;
}

/* Fill the pieces backwards from the last death. */
static void fill_pieces(const Neuron *neuron, const Walk *walk)
{
    double grow_r = 0.0, grow_d = 0.0; /* R and Σ e u of the coordinates that grow */
    for (int64_t k = 0; k < neuron->n; k++)
        if (grows(neuron, k)) {
            grow_r = hypot(grow_r, neuron->e[k]);
            grow_d += neuron->e[k] * neuron->u[k];
        }
    double gap = gap_of(neuron), radius = grow_r;
    double square = 0.0, moment = 0.0, total = 0.0; /* of the dying: Σe², Σe²(A_l−A), Σe²(A_l−A)² */
    for (int64_t i = walk->n_deaths; i >= 0; i--) {
        double at = i > 0 ? walk->deaths[i - 1].at : 0.0;
        if (i < walk->n_deaths) {
            double pull = neuron->e[walk->deaths[i].sample], step = walk->deaths[i].at - at;
            radius = hypot(radius, pull);
            square += pull * pull;
            total += step * (2 * moment + step * square);
            moment += step * square;
        }
        double stretch = at * grow_r;
        double phi = gap + total + 2 * at * grow_d + stretch * stretch;
        double c = radius > 0 ? (grow_d + stretch * grow_r - moment) / radius : 0.0;
        walk->pieces[i] = (Piece){at, radius, phi, c};
    }
}

/* The piece that starts with death i − 1, its coordinates summed by themselves. */
static Piece wide_piece(const Neuron *neuron, const Walk *walk, int64_t i, double gap)
{
    const double *u = neuron->u, *e = neuron->e;
    double at = i > 0 ? walk->deaths[i - 1].at : 0.0, radius = 0.0, phi = gap, c = 0.0;
    for (int64_t k = 0; k < neuron->n; k++)
        if (grows(neuron, k)) {
            radius = hypot(radius, e[k]);
            phi += e[k] * at * (2 * u[k] + e[k] * at);
        }
    for (int64_t q = i; q < walk->n_deaths; q++) {
        double pull = e[walk->deaths[q].sample], left = pull * (walk->deaths[q].at - at);
        radius = hypot(radius, pull);
        phi += left * left;
    }
    for (int64_t k = 0; k < neuron->n; k++)
        if (grows(neuron, k))
            c += e[k] / radius * (u[k] + e[k] * at);
    for (int64_t q = i; q < walk->n_deaths; q++) {
        double pull = e[walk->deaths[q].sample];
        c -= pull / radius * (pull * (walk->deaths[q].at - at));
    }
    return (Piece){at, radius, phi, c};
}

/* Walk along the deaths. */
static void walk_along(const Neuron *neuron, Walk *walk)
{
    if (list_deaths(neuron, walk)) {
        double gap = gap_of(neuron);
        for (int64_t i = 0; i <= walk->n_deaths; i++)
            walk->pieces[i] = wide_piece(neuron, walk, i, gap);
    } else {
        fill_pieces(neuron, walk);
    }
    walk->pieces[0].phi = neuron->a * neuron->a;
}

/* The piece that starts once all have died that die with the one that starts piece i. */
static int64_t after_deaths_at(const Walk *walk, int64_t i)
{
    double here = walk->pieces[i].at * (1 + 4 * DBL_EPSILON);
    while (i < walk->n_deaths && walk->pieces[i + 1].at <= here) {
        i++;
        here = walk->pieces[i].at * (1 + 4 * DBL_EPSILON);
    }
    return i;
}

/* First root of φ.
 *
 * A root within rounding of a death counts as at the death, which starts the piece returned.
 */
static Turn first_turn(const Walk *walk)
{
    const Piece *pieces = walk->pieces;
    double phi = pieces[0].phi; /* from here on down, so that its error is one of a(0)² */
    double rounding = (double)(walk->n_deaths + 17) * DBL_EPSILON * phi;
    for (int64_t i = 0; i <= walk->n_deaths; i++) {
        double at = pieces[i].at, radius = pieces[i].radius, c = pieces[i].c;
        if (c >= 0)
            break;
        double below = c * c - phi; /* minus the least value of φ on the extended piece */
        double x = phi / (-c + sqrt(below > 0 ? below : 0.0));
        if (i == walk->n_deaths || pieces[i + 1].c >= 0) {
            if (fabs(below) <= rounding)
                return (Turn){i, at - c / radius, 1};
            if (below > 0)
                return (Turn){i, at + x / radius, 0};
            break;
        }
        double reach = radius * (pieces[i + 1].at - at);
        phi += reach * (2 * c + reach);
        if (fabs(phi) <= rounding)
            return (Turn){after_deaths_at(walk, i + 1), pieces[i + 1].at, 0};
        if (phi < 0)
            return (Turn){i, at + (x < reach ? x : reach) / radius, 0};
    }
    return (Turn){-1, INFINITY, 0};
}

/* R Δt of a piece on which c grows by x, without cancellation. */
static double angle(double a, double c, double a_new, double c_new, double x)
{
    if (x == 0)
        return 0.0;
    double slope = (c + c_new) / (a + a_new);
    if (c >= 0)
        return log1p(x * (1 + slope) / (a + c));
    if (c_new <= 0)
        return log1p(x * (1 - slope) / (a_new - c_new));
    double square = (a - c) * (a + c);
    double least = sqrt(square > 1e-300 ? square : 1e-300);
    return asinh(c_new / least) - asinh(c / least);
}

/* Go from the start to A = `end` in piece `last`, where a = 0 if it turns; return the time. */
static double time_to(double *a, const Walk *walk, int64_t last, double end, int turns)
{
    const Piece *pieces = walk->pieces;
    double time = 0.0, a_sq = *a * *a;
    for (int64_t i = 0; i <= last; i++) {
        double radius = pieces[i].radius, c = pieces[i].c, a_sq_new;
        double x = radius * ((i == last ? end : pieces[i + 1].at) - pieces[i].at);
        double c_new = i == last ? c + x : pieces[i + 1].c * (pieces[i + 1].radius / radius);
        if (i == last && turns) {
            a_sq_new = 0.0; /* not by subtraction: the square root of its rounding would show */
        } else if (turns || i == last || c >= 0) {
            a_sq_new = a_sq + x * (c + c_new);
            a_sq_new = a_sq_new > 0 ? a_sq_new : 0.0;
        } else {
            a_sq_new = pieces[i + 1].phi;
        }
        time += angle(sqrt(a_sq), c, sqrt(a_sq_new), c_new, x) / radius;
        a_sq = a_sq_new;
    }
    *a = sqrt(a_sq);
    return time;
}

/* Scale and mirror neuron j of the starts. */
static void set_neuron(const Starts *starts, int64_t j, int sign, double unit, Neuron *neuron)
{
    const double *hidden = starts->hidden + j * starts->n;
    neuron->a = starts->output[j] * unit;
    for (int64_t k = 0; k < starts->n; k++) {
        neuron->u[k] = hidden[k] * unit;
        neuron->e[k] = sign * starts->pulls[k];
    }
}

/* Set the bits of neuron j on the coordinates alive at the start that grow. */
static void set_growing(const Starts *starts, int64_t j, int sign, const Sets *sets)
{
    const double *hidden = starts->hidden + j * starts->n;
    for (int64_t k = 0; k < starts->n; k++) {
        uint64_t is_active = (hidden[k] > 0) & (starts->pulls[k] * sign > 0);
        sets->words[k * sets->n_words + (j >> 6)] |= is_active << (j & 63);
    }
}

static int feels_a_pull(const Starts *starts, int64_t j)
{
    const double *hidden = starts->hidden + j * starts->n;
    for (int64_t k = 0; k < starts->n; k++)
        if (hidden[k] > 0 && starts->pulls[k] != 0)
            return 1;
    return 0;
}

/* Walk to where neuron j turns; a neuron that turns keeps what has not died, others what grows. */
static void align_turning(const Starts *starts, int64_t j, int sign, const Neuron *neuron, Walk *walk,
                          const Sets *sets)
{
    walk_along(neuron, walk);
    Turn turn = first_turn(walk);
    if (turn.is_double) {
        sets->signs[j] = 0;
        sets->stalled[j] = 1;
        return;
    }
    if (turn.piece < 0) {
        set_growing(starts, j, sign, sets);
        return;
    }
    sets->signs[j] = (int8_t)-sign;
    for (int64_t i = turn.piece; i < walk->n_deaths; i++)
        sets->words[walk->deaths[i].sample * sets->n_words + (j >> 6)] |= (uint64_t)1 << (j & 63);
}

/* Find the active set and the sign of each neuron. */
void align_neurons(const Starts *starts, const Sets *sets, double *memory)
{
    Neuron neuron;
    Walk walk;
    take_room(memory, starts->n, &neuron, &walk);
    for (int64_t j = 0; j < starts->width; j++) {
        const double *hidden = starts->hidden + j * starts->n;
        int sign = first_sign(starts->output[j], hidden, starts->pulls, starts->n);
        sets->signs[j] = (int8_t)sign;
        if (sign == 0) {
            sets->stalled[j] = (int8_t)feels_a_pull(starts, j);
            continue;
        }
        set_neuron(starts, j, sign, unit_of(starts->output[j], hidden, starts->n), &neuron);
        if (may_turn(&neuron))
            align_turning(starts, j, sign, &neuron, &walk, sets);
        else
            set_growing(starts, j, sign, sets);
    }
}

/* Go on from where a is zero: the coordinates that are left, with their pulls mirrored. */
static void turn_round(Neuron *neuron, double at)
{
    for (int64_t k = 0; k < neuron->n; k++) {
        neuron->u[k] = neuron->u[k] > 0 ? neuron->u[k] + neuron->e[k] * at : 0.0;
        neuron->e[k] = -neuron->e[k];
    }
}

/* log C of a neuron given in units of `scale`; −∞ if it dies. */
static double log_growth_of(Neuron *neuron, Walk *walk, double scale)
{
    double time = 0.0;
    walk_along(neuron, walk);
    if (may_turn(neuron)) {
        Turn turn = first_turn(walk);
        if (turn.is_double)
            return -INFINITY;
        if (turn.piece >= 0) {
            time = time_to(&neuron->a, walk, turn.piece, turn.at, 1);
            turn_round(neuron, turn.at);
            walk_along(neuron, walk);
        }
    }
    const Piece *last = &walk->pieces[walk->n_deaths];
    if (last->radius == 0)
        return -INFINITY;
    double more = time_to(&neuron->a, walk, walk->n_deaths, last->at, 0);
    return log(scale) + log((neuron->a + last->c) / 2) - last->radius * (time + more);
}

/* Fill `log_growth` (width,) with log C_j, −∞ for neurons that die. */
void growth_constants(const Starts *starts, double *memory, double *log_growth)
{
    Neuron neuron;
    Walk walk;
    take_room(memory, starts->n, &neuron, &walk);
    for (int64_t j = 0; j < starts->width; j++) {
        const double *hidden = starts->hidden + j * starts->n;
        int sign = first_sign(starts->output[j], hidden, starts->pulls, starts->n);
        double scale = largest_of(starts->output[j], hidden, starts->n);
        log_growth[j] = -INFINITY;
        if (sign == 0 || scale <= 0)
            continue;
        neuron.a = fabs(starts->output[j]) / scale;
        for (int64_t k = 0; k < starts->n; k++) {
            neuron.u[k] = hidden[k] / scale;
            neuron.e[k] = sign * starts->pulls[k];
        }
        log_growth[j] = log_growth_of(&neuron, &walk, scale);
    }
}
