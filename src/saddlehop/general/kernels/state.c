/* The state: see state.h. */
#include "state.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "products.h"

/* e^{2σ_j}, which turns ã_j w̃_j into a_j w_j; 0 below the smallest float */
double weight_of(const State *state, int64_t j)
{
    return exp(2.0 * state->scale[j]);
}

/* r_k = y_k − κ_k Σ_j a_j max(w_j·x_k, 0) */
void residuals(const Setting *setting, const State *state, Work *work, double *residual)
{
    int64_t n = setting->n_rows;
    multiply(setting->width, state->hidden, &setting->to_sides, work->end);
    memset(work->load, 0, (size_t)n * sizeof(double));
    for (int64_t j = 0; j < setting->width; j++) {
        double weight = weight_of(state, j) * state->output[j];
        const int8_t *mode = state->mode + j * n;
        const double *sides = work->end + j * n;
        if (weight != 0.0)
            for (int64_t k = 0; k < n; k++)
                work->load[k] += mode[k] > 0 ? weight * sides[k] : 0.0;
    }
    for (int64_t k = 0; k < n; k++)
        residual[k] = setting->label[k] - setting->curvature[k] * work->load[k];
}

/* Put the walls that neuron j slides on into `slides`. */
void slides_of(const Setting *setting, const State *state, Basis *slides, int64_t j)
{
    const int8_t *mode = state->mode + j * setting->n_rows;
    truncate_to(slides, 0);
    for (int64_t k = 0; k < setting->n_rows; k++)
        if (mode[k] == 0)
            append(slides, k, setting->rows + k * setting->rank, 1.0 / setting->norms[k]);
}

/* ã_j² − ‖w̃_j‖² of a neuron of that scale */
static double imbalance_at(const Setting *setting, int64_t j, double scale)
{
    double c = setting->imbalance[j];
    return c == 0.0 ? 0.0 : c * exp(2.0 * (setting->log_start - scale));
}

/* Go to the nearby (a, w) with a² − ‖w‖² = `imbalance`; a and ‖w‖ are equal in bits where it is 0. */
static void to_hyperbola(double *a, double *w, int64_t rank, double imbalance)
{
    for (int round = 0; round < 2; round++) {
        double sq_norm = dot(w, w, rank), total = *a * *a + sq_norm;
        double push = total > 0.0 ? 0.5 * (imbalance - *a * *a + sq_norm) / total : 0.0;
        *a *= 1.0 + push;
        for (int64_t i = 0; i < rank; i++)
            w[i] *= 1.0 - push;
    }
    if (imbalance == 0.0)
        *a = copysign(sqrt(dot(w, w, rank)), *a);
}

/* Put a neuron back on its walls and on a² − ‖w‖² = λ² c, and take its size into the scale. */
void settle(const Setting *setting, State *state, const Basis *slides, int64_t j)
{
    int64_t rank = setting->rank;
    double *w = state->hidden + j * rank, *a = state->output + j;
    project_out(slides, w);
    double size = fmax(fabs(*a), sqrt(dot(w, w, rank)));
    if (size == 0.0)
        size = 1.0;
    *a /= size;
    for (int64_t i = 0; i < rank; i++)
        w[i] /= size;
    state->scale[j] += log(size);
    to_hyperbola(a, w, rank, imbalance_at(setting, j, state->scale[j]));
}
