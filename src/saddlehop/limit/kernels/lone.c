/* The panels of a lone neuron's orbit; see lone.h. Its twin, in SciPy, is in the tests. */
#include <stdbool.h>
#include <string.h>

#include "api.h"
#include "lone.h"

#define SERIES_TOL 1e-13
#define MOST_ITERATIONS 30
#define CONVERGED 1e-12
#define CLOSE 1e-6 /* Newton's method squares it */
#define SHORTEST 1e-9 /* panel, of s at its start */

/* What a panel starts from and is tried with. */
typedef struct {
    double place, time, size; /* s, t, r */
    int64_t n_groups;         /* of LANES nodes; the last nodes stand in where some lack, without mass */
    Lanes *pulls, *masses, *weights, *next; /* (n_groups,) p, M, w at the start and the end */
    Lanes *filters;     /* (n_groups, PLACES, PLACES) w' from r − w at the start */
    Lanes *gains;       /* (n_groups, PLACES, PLACES) w less that at the start from the same */
    Lanes *slopes;      /* (n_groups, PLACES) w' */
    Lanes *gained;      /* (n_groups, PLACES) w less that at the start */
    double sizes[PLACES];
} Trial;

API int64_t lone_panels(const Lone *, const Radau *, const Series *, double *room, double latest,
                        double tol, double reach, double end, double *panels, int64_t most,
                        double *half_time);

/* Σ_{0 < i < k} a_i b_{k−i} */
static double inner(const double *a, const double *b, int k)
{
    double sum = 0.0;
    for (int i = 1; i < k; i++)
        sum += a[i] * b[k - i];
    return sum;
}

/* Term k > 0 of κ, σ = κ⁻² and ω, which depend on each other linearly. */
static void next_term(const Lone *lone, const Series *series, int k)
{
    double *kappa = series->sizes, *sigma = kappa + TERMS;
    double known = 0.0, lag = 0.0, factor_of_kappa = 0.0;
    for (int64_t c = 0; c < lone->n_nodes; c++) {
        const double *omega = series->weights + c * TERMS;
        double per_kappa = lone->pulls[c] / (k + 0.5);
        factor_of_kappa += 2 * lone->masses[c] * omega[0] * per_kappa;
        known += lone->masses[c] * (inner(omega, omega, k) - 2 * omega[0] * per_kappa * omega[k - 1]);
    }
    for (int i = 1; i < k; i++)
        lag += (0.5 * i - k) * kappa[k - i] * sigma[i];
    lag /= k * sigma[0];
    double slope = -0.5 * kappa[0] / sigma[0];
    kappa[k] = (lag + slope * known) / (1 - slope * factor_of_kappa);
    sigma[k] = known + factor_of_kappa * kappa[k];
    for (int64_t c = 0; c < lone->n_nodes; c++) {
        double *omega = series->weights + c * TERMS;
        omega[k] = lone->pulls[c] * (kappa[k] - omega[k - 1]) / (k + 0.5);
    }
}

static void expand(const Lone *lone, const Series *series)
{
    double *kappa = series->sizes, *sigma = kappa + TERMS;
    kappa[0] = sqrt(0.5);
    sigma[0] = 2.0;
    for (int64_t c = 0; c < lone->n_nodes; c++)
        series->weights[c * TERMS] = 2 * lone->pulls[c] * kappa[0];
    for (int k = 1; k < TERMS; k++)
        next_term(lone, series, k);
    for (int k = 0; k < TERMS; k++)
        series->squares[k] = inner(kappa, kappa, k) + (k ? 2 : 1) * kappa[0] * kappa[k];
    for (int64_t c = 0; c < lone->n_nodes; c++) {
        double *omega = series->weights + c * TERMS, *push = series->pushes + c * TERMS;
        double part[TERMS]; /* ω / κ */
        for (int k = 0; k < TERMS; k++) {
            part[k] = (omega[k] - inner(part, kappa, k) - (k ? part[0] * kappa[k] : 0)) / kappa[0];
            push[k] = lone->pulls[c] * (k ? -part[k - 1] : 1);
        }
    }
}

/* s up to which the series hold. */
static double reach_of_series(const Lone *lone, const Series *series)
{
    double largest = 1e-30;
    for (int k = TERMS - 2; k < TERMS; k++) {
        largest = fmax(largest, fabs(series->squares[k]));
        for (int64_t c = 0; c < lone->n_nodes; c++)
            largest = fmax(largest, fabs(series->pushes[c * TERMS + k]) / lone->pulls[c]);
    }
    return pow(SERIES_TOL / largest, 1.0 / TERMS);
}

static double value_of(const double *terms, double s)
{
    double value = 0.0;
    for (int k = TERMS - 1; k >= 0; k--)
        value = value * s + terms[k];
    return value;
}

static void begin(const Lone *lone, const Series *series, double s, Trial *trial)
{
    double time = 0.0;
    for (int k = TERMS - 1; k > 0; k--)
        time = (time + series->squares[k] / k) * s;
    trial->place = s;
    trial->time = 0.5 * log(2 * s) + time;
    trial->size = value_of(series->sizes, s) / sqrt(s);
    for (int64_t i = 0; i < trial->n_groups * LANES; i++) {
        int64_t c = i < lone->n_nodes ? i : lone->n_nodes - 1;
        trial->pulls[i / LANES][i % LANES] = lone->pulls[c];
        trial->masses[i / LANES][i % LANES] = i < lone->n_nodes ? lone->masses[c] : 0.0;
        trial->weights[i / LANES][i % LANES] =
            value_of(series->weights + c * TERMS, s) * sqrt(s);
    }
}

/* Fill (I + h p A)⁻¹ p and h A times that. */
static void fill_filters(const Radau *radau, double length, const Trial *trial)
{
    Lanes matrix[PLACES][PLACES];
    for (int64_t g = 0; g < trial->n_groups; g++) {
        Lanes *filter = trial->filters + g * PLACES * PLACES, zero = {0};
        Lanes *gain = trial->gains + g * PLACES * PLACES;
        for (int i = 0; i < PLACES; i++)
            for (int k = 0; k < PLACES; k++) {
                matrix[i][k] = trial->pulls[g] * (length * radau->integrals[i * PLACES + k]);
                filter[i * PLACES + k] = i == k ? trial->pulls[g] : zero;
                if (i == k)
                    matrix[i][k] += 1;
            }
        factor(matrix);
        solve_factored(matrix, filter, PLACES);
        for (int i = 0; i < PLACES; i++) {
            Lanes row[PLACES] = {{0}};
            for (int l = 0; l < PLACES; l++)
                for (int k = 0; k < PLACES; k++)
                    row[k] += length * radau->integrals[i * PLACES + l] * filter[l * PLACES + k];
            memcpy(gain + i * PLACES, row, sizeof row);
        }
    }
}

/* Fill values (n_groups, PLACES): matrices (n_groups, PLACES, PLACES) times r − w at the start. */
static void apply(const Trial *trial, const Lanes *matrices, Lanes *values)
{
    for (int64_t g = 0; g < trial->n_groups; g++)
        for (int i = 0; i < PLACES; i++) {
            const Lanes *row = matrices + (g * PLACES + i) * PLACES;
            Lanes value = {0};
            for (int k = 0; k < PLACES; k++)
                value += row[k] * (trial->sizes[k] - trial->weights[g]);
            values[g * PLACES + i] = value;
        }
}

/* One step of Newton's for r² Σ M w² = 1; return the largest part by which it changes r. */
static double improve(Trial *trial)
{
    Lanes matrix[PLACES][PLACES] = {{{0}}}, squares[PLACES] = {{0}}, jacobian[PLACES][PLACES], right[PLACES];
    double change = 0.0;
    apply(trial, trial->gains, trial->gained);
    for (int64_t g = 0; g < trial->n_groups; g++)
        for (int i = 0; i < PLACES; i++) {
            const Lanes *gain = trial->gains + (g * PLACES + i) * PLACES;
            Lanes weight = trial->weights[g] + trial->gained[g * PLACES + i];
            Lanes moved = trial->masses[g] * weight;
            squares[i] += moved * weight;
            for (int k = 0; k < PLACES; k++)
                matrix[i][k] += moved * gain[k];
        }
    for (int i = 0; i < PLACES; i++) {
        double r = trial->sizes[i], square = sum_of(&squares[i]);
        right[i] = (Lanes){0} + (1 - r * r * square);
        for (int k = 0; k < PLACES; k++)
            jacobian[i][k] =
                (Lanes){0} + (2 * r * r * sum_of(&matrix[i][k]) + (i == k ? 2 * r * square : 0));
    }
    factor(jacobian);
    solve_factored(jacobian, right, 1);
    for (int i = 0; i < PLACES; i++) {
        change = fmax(change, fabs(right[i][0] / trial->sizes[i]));
        if (isnan(right[i][0]))
            return INFINITY;
        trial->sizes[i] += right[i][0];
    }
    return change;
}

/* Solve a panel of this length; false if Newton's method does not converge. */
static bool attempt(const Radau *radau, double length, Trial *trial)
{
    fill_filters(radau, length, trial);
    for (int i = 0; i < PLACES; i++)
        trial->sizes[i] = trial->size;
    for (int iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
        double change = improve(trial);
        if (change < CONVERGED) {
            apply(trial, trial->filters, trial->slopes);
            return true;
        }
        if (!(change < 1e3))
            return false;
    }
    return false;
}

static double time_after(const Radau *radau, double length, const Trial *trial, int place)
{
    double sum = 0.0;
    for (int k = 0; k < PLACES; k++)
        sum += radau->integrals[place * PLACES + k] * (trial->sizes[k] * trial->sizes[k]);
    return trial->time + length * sum;
}

/* Write the panel; return how rough r and the residual fractions are in it. */
static double record(const Lone *lone, const Radau *radau, double length, const Trial *trial, Panel *panel)
{
    double rough = roughness(radau, trial->sizes, 1) / trial->sizes[PLACES - 1];
    panel->start = trial->place;
    panel->length = length;
    panel->time = trial->time;
    for (int i = 0; i < PLACES; i++) {
        panel->times[i] = time_after(radau, length, trial, i);
        panel->sizes[i] = trial->sizes[i];
    }
    for (int64_t c = 0; c < lone->n_nodes; c++) {
        double *push = panel->pushes + c * PLACES;
        for (int i = 0; i < PLACES; i++)
            push[i] = trial->slopes[c / LANES * PLACES + i][c % LANES] / trial->sizes[i];
        rough = fmax(rough, roughness(radau, push, 1) / lone->pulls[c]);
    }
    return rough;
}

/* Part of a panel after which the polynomial through r is √2, by bisection. */
static double half_way(const Radau *radau, const double *sizes)
{
    double low = 0.0, high = 1.0;
    while (high - low > 1e-6) {
        Lanes middle = (Lanes){0} + (low + high) / 2, values[PLACES], size = {0};
        weigh(radau, &middle, values);
        for (int i = 0; i < PLACES; i++)
            size += values[i] * sizes[i];
        if (size[0] * size[0] > 2)
            low = middle[0];
        else
            high = middle[0];
    }
    return high;
}

/* t at which a² = 1/2 in a panel of this length, by Newton's method in its length. */
static double half_time_in(const Radau *radau, double length, Trial *trial)
{
    double part = length * half_way(radau, trial->sizes);
    for (int iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
        Lanes slope = {0};
        attempt(radau, part, trial);
        double r = trial->sizes[PLACES - 1];
        for (int64_t g = 0; g < trial->n_groups; g++) {
            Lanes weight = trial->weights[g] + trial->gained[g * PLACES + PLACES - 1];
            slope += 2 * trial->masses[g] * weight * trial->slopes[g * PLACES + PLACES - 1];
        }
        double step = (0.5 - 1 / (r * r)) / sum_of(&slope);
        if (fabs(step) < CLOSE * part)
            return time_after(radau, part, trial, PLACES - 1) + r * r * step;
        part += step;
    }
    return NAN;
}

/* Go to the end of the panel; leave in *half_time when a² passes 1/2 if it does in it. */
static void advance(const Radau *radau, const Panel *panel, Trial *trial, double *half_time)
{
    double end = panel->sizes[PLACES - 1];
    for (int64_t g = 0; g < trial->n_groups; g++)
        trial->next[g] = trial->weights[g] + trial->gained[g * PLACES + PLACES - 1];
    if (isnan(*half_time) && end * end <= 2)
        *half_time = half_time_in(radau, panel->length, trial);
    memcpy(trial->weights, trial->next, (size_t)trial->n_groups * sizeof *trial->next);
    trial->place = panel->start + panel->length;
    trial->time = panel->times[PLACES - 1];
    trial->size = end;
}

static bool at_rest(const Lone *lone, const Panel *panel, double end)
{
    for (int64_t c = 0; c < lone->n_nodes; c++)
        if (fabs(panel->pushes[c * PLACES + PLACES - 1]) > end * lone->pulls[c])
            return false;
    return true;
}

/* Fill `panels` from the end of the series, at `latest` or before, until all residual fractions are at most `end`.
 *
 * Returns how many there are, minus `most` if there was no room, 0 if there is no way on. A panel is as rough as `tol` at
 * most, and `reach` times as long as s at its start.
 */
int64_t lone_panels(const Lone *lone, const Radau *radau, const Series *series, double *room,
                    double latest, double tol, double reach, double end, double *panels,
                    int64_t most, double *half_time)
{
    Trial trial = {.n_groups = (lone->n_nodes + LANES - 1) / LANES};
    Lanes **parts[] = {&trial.pulls, &trial.masses, &trial.weights, &trial.next};
    for (int i = 0; i < 4; i++)
        *parts[i] = (Lanes *)room + i * trial.n_groups;
    trial.slopes = (Lanes *)room + 4 * trial.n_groups;
    trial.gained = trial.slopes + trial.n_groups * PLACES;
    trial.filters = trial.gained + trial.n_groups * PLACES;
    trial.gains = trial.filters + trial.n_groups * PLACES * PLACES;
    expand(lone, series);
    begin(lone, series, fmin(latest, reach_of_series(lone, series)), &trial);
    *half_time = NAN;
    double length = reach * trial.place;
    for (int64_t count = 0; count < most;) {
        Panel *panel = (Panel *)(panels + count * panel_width(lone->n_nodes));
        bool solved = attempt(radau, length, &trial);
        double rough = solved ? record(lone, radau, length, &trial, panel) : INFINITY;
        if (!(rough <= tol)) {
            length *= fmax(0.3, 0.8 * pow(tol / rough, 1.0 / PLACES));
            if (length < SHORTEST * trial.place)
                return 0;
            continue;
        }
        double start = trial.place, longer = 0.8 * pow(tol / fmax(rough, 1e-16), 1.0 / PLACES);
        advance(radau, panel, &trial, half_time);
        count++;
        if (at_rest(lone, panel, end))
            return count;
        length = trial.place * fmin(reach, length / start * fmin(2.5, longer));
    }
    return -most;
}
