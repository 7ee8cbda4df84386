/* Some neurons under given residuals r(t), each by itself, from place to place, the others where they are.

   What all make of the residuals, y_k − κ_k Σ_j a_j max(w_j·x_k, 0), is what a step that is implicit in r
   asks for. */
#include <math.h>
#include <string.h>

#include "alone.h"
#include "api.h"
#include "products.h"
#include "series.h"

API double general_drive(const Setting *, State *, Work *, const bool *moved, int64_t terms,
                         const double *residual, int64_t n_places, const double *places, double *made);

/* Add what neuron j does to the outputs. */
static void add_load(const Setting *setting, const State *state, Work *work, int64_t j, double *load)
{
    int64_t n = setting->n_rows;
    double weight = weight_of(state, j) * state->output[j], *sides = work->alone.sides;
    const int8_t *mode = state->mode + j * n;
    if (weight == 0.0)
        return;
    multiply(1, state->hidden + j * setting->rank, &setting->to_sides, sides);
    for (int64_t k = 0; k < n; k++)
        load[k] += mode[k] > 0 ? weight * sides[k] : 0.0;
}

enum { MOST_PIECES = 5000 }; /* of a neuron, from place to place: more are not worth a step */

/* Move neuron j from place to place and add what it does to the outputs there; return when it meets a wall,
   nan if it takes too long. */
static double drive(const Setting *setting, State *state, Work *work, int64_t j, int64_t n_places,
                    const double *places, double *made)
{
    double t = 0.0, first = INFINITY;
    start_alone(setting, state, work, j);
    for (int64_t i = 0; i < n_places; i++) {
        double met = go_on_alone(setting, state, work, j, (Meeting){t, NONE}, places[i], MOST_PIECES);
        if (isnan(met))
            return NAN;
        first = fmin(first, met);
        t = places[i];
        slides_of(setting, state, &work->slides, j);
        settle(setting, state, &work->slides, j);
        add_load(setting, state, work, j, made + i * setting->n_rows);
    }
    return first;
}

/* Move neurons to the last place under r(t) = Σ_p residual_p t^p (terms, n); put the residuals that all make
   at each place into `made` (places, n). Return when the first wall is met by one that others feel; nan, with
   nan in `made`, where that takes too long. */
double general_drive(const Setting *setting, State *state, Work *work, const bool *moved,
                     int64_t terms, const double *residual, int64_t n_places,
                     const double *places, double *made)
{
    int64_t n = setting->n_rows;
    double first = INFINITY;
    set_residuals(setting, state, work, terms, residual);
    memset(made, 0, (size_t)n * sizeof(double));
    for (int64_t j = 0; j < setting->width; j++)
        if (!moved[j])
            add_load(setting, state, work, j, made);
    for (int64_t i = 1; i < n_places; i++)
        memcpy(made + i * n, made, (size_t)n * sizeof(double));
    for (int64_t j = 0; j < setting->width; j++)
        if (moved[j]) {
            double met = drive(setting, state, work, j, n_places, places, made);
            if (isnan(met)) {
                made[0] = NAN;
                return NAN;
            }
            first = weight_of(state, j) > setting->tol ? fmin(first, met) : first;
        }
    for (int64_t i = 0; i < n_places; i++)
        for (int64_t k = 0; k < n; k++)
            made[i * n + k] = setting->label[k] - setting->curvature[k] * made[i * n + k];
    return first;
}
