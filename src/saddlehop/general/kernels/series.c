/* Taylor series: see series.h. With modes and walls fixed the flow is polynomial:

       r_p = y δ_{p0} − κ Σ_j Σ_i a_{j,i} z_{jk,p−i} over active pairs,   z_p = w_p·x_k
       D_p = (1/n) P Σ_k r_{k,p} x_k
       (p + 1) w_{p+1} = Σ_i a_i D_{p−i},   (p + 1) a_{p+1} = Σ_i w_i·D_{p−i}

   D and D·x_k are those of a pattern, and z_{p+1} follows from them as w_{p+1} from D. */
#include "series.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "products.h"

#define FELT 1e-16 /* of the tolerance: e^{2σ} from which a neuron adds to r */
#define SOON 1e-6  /* to which one that does not may grow within a step */

/* Neurons of equal modes share a pattern. */
static void find_patterns(const Setting *setting, const State *state, Series *series)
{
    int64_t n = setting->n_rows;
    series->n_patterns = 0;
    for (int64_t j = 0; j < setting->width; j++) {
        const int8_t *mode = state->mode + j * n;
        int64_t g = 0;
        while (g < series->n_patterns &&
               memcmp(mode, state->mode + series->leader[g] * n, (size_t)n) != 0)
            g++;
        series->pattern[j] = g;
        if (g == series->n_patterns)
            series->leader[series->n_patterns++] = j;
    }
}

static void residual_term(const Setting *setting, const State *state, Work *work, int64_t p)
{
    Series *series = &work->series;
    int64_t n = setting->n_rows, m = setting->width;
    double *load = work->load, *sum = work->end;
    memset(load, 0, (size_t)n * sizeof(double));
    for (int64_t j = 0; j < m; j++) {
        double weight = series->weight[j];
        if (weight == 0.0)
            continue;
        memset(sum, 0, (size_t)n * sizeof(double));
        for (int64_t i = 0; i <= p; i++)
            add(sum, series->sides + ((p - i) * m + j) * n, weight * series->output[i * m + j], n);
        const int8_t *mode = state->mode + j * n;
        for (int64_t k = 0; k < n; k++)
            load[k] += mode[k] > 0 ? sum[k] : 0.0;
    }
    double *out = series->residual + p * n;
    for (int64_t k = 0; k < n; k++)
        out[k] = (p == 0 ? setting->label[k] : 0.0) - setting->curvature[k] * load[k];
}

/* Σ r_k x_k over active pairs */
static void force_term(const Setting *setting, const State *state, Work *work, int64_t p)
{
    Series *series = &work->series;
    int64_t n = setting->n_rows;
    const double *residual = series->residual + p * n;
    for (int64_t g = 0; g < series->n_patterns; g++) {
        const int8_t *mode = state->mode + series->leader[g] * n;
        double *masked = work->masked + g * n;
        for (int64_t k = 0; k < n; k++)
            masked[k] = mode[k] > 0 ? residual[k] : 0.0;
    }
    multiply(series->n_patterns, work->masked, &setting->to_rows,
             series->force + p * setting->width * setting->rank);
}

static void drive_term(const Setting *setting, const State *state, Work *work, int64_t p)
{
    Series *series = &work->series;
    int64_t n = setting->n_rows, m = setting->width, rank = setting->rank;
    double *force = series->force + p * m * rank, *drive = series->drive + p * m * rank;
    force_term(setting, state, work, p);
    for (int64_t g = 0; g < series->n_patterns; g++) {
        double *d = drive + g * rank;
        for (int64_t i = 0; i < rank; i++)
            d[i] = force[g * rank + i] / (double)setting->n_samples;
        project_out(work->bases + g, d);
    }
    multiply(series->n_patterns, drive, &setting->to_sides, series->rise + p * m * n);
}

void set_residuals(const Setting *setting, const State *state, Work *work, int64_t terms,
                   const double *residual)
{
    Series *series = &work->series;
    int64_t n = setting->n_rows, size = setting->width * setting->rank;
    series->order = terms > order_for(setting->tol) ? terms : order_for(setting->tol);
    memcpy(series->residual, residual, (size_t)(terms * n) * sizeof(double));
    memset(series->residual + terms * n, 0, (size_t)((series->order - terms) * n) * sizeof(double));
    find_patterns(setting, state, series);
    for (int64_t p = 0; p < terms; p++)
        force_term(setting, state, work, p);
    memset(series->force + terms * size, 0,
           (size_t)((series->order - terms) * size) * sizeof(double));
}

static void neuron_term(const Setting *setting, Series *series, int64_t j, int64_t p)
{
    int64_t n = setting->n_rows, m = setting->width, rank = setting->rank;
    int64_t g = series->pattern[j], next = (p + 1) * m + j;
    double *w = series->hidden + next * rank, *z = series->sides + next * n, sum = 0.0;
    memset(w, 0, (size_t)rank * sizeof(double));
    memset(z, 0, (size_t)n * sizeof(double));
    for (int64_t i = 0; i <= p; i++) {
        double a = series->output[i * m + j] / (double)(p + 1);
        const double *drive = series->drive + ((p - i) * m + g) * rank;
        add(w, drive, a, rank);
        add(z, series->rise + ((p - i) * m + g) * n, a, n);
        sum += dot(series->hidden + (i * m + j) * rank, drive, rank);
    }
    series->output[next] = sum / (double)(p + 1);
}

void expand_all(const Setting *setting, const State *state, Work *work, int64_t order)
{
    Series *series = &work->series;
    int64_t m = setting->width, rank = setting->rank;
    series->order = order;
    find_patterns(setting, state, series);
    for (int64_t j = 0; j < m; j++) {
        double weight = weight_of(state, j);
        series->weight[j] = weight < FELT * setting->tol ? 0.0 : weight;
    }
    for (int64_t g = 0; g < series->n_patterns; g++)
        slides_of(setting, state, work->bases + g, series->leader[g]);
    memcpy(series->output, state->output, (size_t)m * sizeof(double));
    memcpy(series->hidden, state->hidden, (size_t)(m * rank) * sizeof(double));
    multiply(m, state->hidden, &setting->to_sides, series->sides);
    for (int64_t p = 0; p < order; p++) {
        residual_term(setting, state, work, p);
        drive_term(setting, state, work, p);
        for (int64_t j = 0; j < m; j++)
            if (series->weight[j] > 0.0)
                neuron_term(setting, series, j, p);
    }
}

/* The order that suits a tolerance */
int64_t order_for(double tol)
{
    double order = ceil(-1.15 * log10(tol)) + 2.0;
    return (int64_t)fmin(fmax(order, 6.0), MOST_ORDER);
}

static double root(double tol, double size, int64_t p)
{
    return p > 0 && size > 0.0 ? pow(tol / size, 1.0 / (double)p) : INFINITY;
}

double length_of(const Setting *setting, double next_to_last, double last, int64_t order)
{
    return fmin(root(setting->tol, next_to_last, order - 1), root(setting->tol, last, order));
}

static double weight_size(const Setting *setting, const Series *series, int64_t j, int64_t p)
{
    int64_t m = setting->width, rank = setting->rank;
    const double *w = series->hidden + (p * m + j) * rank;
    return fabs(series->output[p * m + j]) + sqrt(dot(w, w, rank));
}

static double residual_size(const Setting *setting, const Series *series, int64_t p)
{
    double most = 0.0;
    for (int64_t k = 0; k < setting->n_rows; k++)
        most = larger(most, fabs(series->residual[p * setting->n_rows + k]));
    return most;
}

/* How long a neuron of that drive stays one that is not felt */
static double until_felt(const Setting *setting, const State *state, const Series *series, int64_t j)
{
    const double *drive = series->drive + series->pattern[j] * setting->rank;
    double rate = sqrt(dot(drive, drive, setting->rank));
    return rate > 0.0 ? (0.5 * log(SOON * setting->tol) - state->scale[j]) / rate : INFINITY;
}

double shortest_length(const Setting *setting, const State *state, const Series *series)
{
    int64_t last = series->order;
    double length = INFINITY;
    for (int64_t j = 0; j < setting->width; j++)
        length = fmin(length, series->weight[j] == 0.0
                                  ? until_felt(setting, state, series, j)
                                  : length_of(setting, weight_size(setting, series, j, last - 1),
                                              weight_size(setting, series, j, last), last));
    return fmin(length, length_of(setting, residual_size(setting, series, last - 2),
                                  residual_size(setting, series, last - 1), last - 1));
}
