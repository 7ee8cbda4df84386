/* Neurons at walls: see decide.h. On the walls Z it slides on a neuron is held by the pulls
   φ_k = θ_k r_k that solve Gram_ZZ φ = −X_Z F, F = Σ_{active} r_k x_k. */
#include "decide.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "products.h"

#define ROUNDING 1e-13 /* what sums of terms of size 1 may be off */

static double sign_of(double x)
{
    return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0;
}

/* s_j: that of a_j, or the one it turns to from 0 */
static double sign_of_neuron(const Setting *setting, const State *state, int64_t j,
                             const double *force)
{
    double a = state->output[j];
    const double *w = state->hidden + j * setting->rank;
    return sign_of(a != 0.0 ? a : dot(w, force, setting->rank));
}

/* List the walls that the neuron stands on. */
static void find_walls(const Setting *setting, const State *state, Work *work, int64_t j,
                       int64_t met, const double *sides)
{
    int64_t n = setting->n_rows, *sample = (int64_t *)work->walls.sample;
    const double *w = state->hidden + j * setting->rank;
    const int8_t *mode = state->mode + j * n;
    double near = ON_WALL * sqrt(dot(w, w, setting->rank));
    work->walls.count = 0;
    for (int64_t k = 0; k < n; k++)
        if (k == met || mode[k] == 0 || fabs(sides[k]) <= near * setting->norms[k])
            sample[work->walls.count++] = k;
}

/* θ_k of walls slid on so far, to start from */
static void guess_shares(const Setting *setting, Work *work, const double *residual,
                         const double *force, const Basis *slides)
{
    Walls *walls = &work->walls;
    memset(walls->share, 0, (size_t)walls->count * sizeof(double));
    if (slides->count == 0)
        return;
    double *c = work->walls_work.best;
    coordinates_of(slides, force, c);
    for (int64_t i = 0; i < slides->count; i++)
        for (int64_t l = 0; l < walls->count; l++)
            if (walls->sample[l] == slides->wall[i]) {
                int64_t k = walls->sample[l];
                double theta = -c[i] / (setting->norms[k] * residual[k]);
                walls->share[l] = theta > 0.0 && theta < 1.0 ? theta : theta >= 1.0;
            }
}

/* Velocity without the walls, its rounding, pulls, and the sides the neuron comes from or crosses to. */
static void set_up(const Setting *setting, const State *state, Work *work, int64_t j,
                   const double *residual, const double *force)
{
    Walls *walls = &work->walls;
    int64_t n = setting->n_rows, rank = setting->rank;
    const int8_t *mode = state->mode + j * n;
    double sign = sign_of_neuron(setting, state, j, force), scale = sign / (double)setting->n_samples;
    double *base = (double *)walls->base, *pull = (double *)walls->pull, slack = 0.0;
    for (int64_t i = 0; i < rank; i++)
        base[i] = scale * force[i];
    for (int64_t k = 0; k < n; k++)
        if (mode[k] > 0)
            slack += fabs(scale * residual[k]) * setting->norms[k];
    for (int64_t l = 0; l < walls->count; l++) {
        int64_t k = walls->sample[l];
        pull[l] = scale * residual[k];
        slack += mode[k] > 0 ? 0.0 : fabs(pull[l]) * setting->norms[k];
    }
    walls->slack = ROUNDING * slack;
    for (int64_t l = 0; l < walls->count; l++) {
        int64_t k = walls->sample[l];
        double speed = mode[k] * dot(setting->rows + k * rank, base, rank);
        walls->side[l] = mode[k] == 0 ? -1 : mode[k];
        if (mode[k] != 0 && pull[l] >= 0.0 && speed < -walls->slack * setting->norms[k])
            walls->side[l] = -mode[k];
    }
    for (int64_t l = 0; l < walls->count; l++)
        if (mode[walls->sample[l]] > 0)
            add(base, setting->rows + walls->sample[l] * rank, -pull[l], rank);
}

static void count_change(State *state, int8_t before, int8_t after)
{
    state->counts[CROSSINGS] += before * after < 0;
    state->counts[SLIDES] += before != 0 && after == 0;
    state->counts[LEAVINGS] += before == 0 && after != 0;
}

/* Put a neuron that is beyond a wall by rounding, but stays on its side, on the wall. */
static void put_on_walls(const Setting *setting, State *state, const Walls *walls, int64_t j,
                         const double *sides)
{
    int64_t rank = setting->rank;
    for (int64_t l = 0; l < walls->count; l++) {
        int64_t k = walls->sample[l];
        double beyond = sides[k] * state->mode[j * setting->n_rows + k];
        if (beyond < 0.0)
            add(state->hidden + j * rank, setting->rows + k * rank,
                -sides[k] / (setting->norms[k] * setting->norms[k]), rank);
    }
}

bool is_fitted(const Setting *setting, double residual, int64_t k)
{
    return fabs(residual) <= FITTED * sqrt(setting->curvature[k]);
}

void decide(const Setting *setting, State *state, Work *work, int64_t j, int64_t met,
            const double *sides, const double *residual, const double *force,
            const Basis *slides, Changed changed)
{
    Walls *walls = &work->walls;
    int64_t n = setting->n_rows;
    find_walls(setting, state, work, j, met, sides);
    if (walls->count == 0)
        return;
    set_up(setting, state, work, j, residual, force);
    guess_shares(setting, work, residual, force, slides);
    wall_rule(walls, &work->walls_work);
    for (int64_t l = 0; l < walls->count; l++) {
        int64_t k = walls->sample[l];
        int8_t *mode = state->mode + j * n + k, before = *mode, after = walls->side[l];
        state->chosen[j * n + k] |= walls->chosen[l] && !is_fitted(setting, residual[k], k);
        count_change(state, before, after);
        *mode = after;
        if (changed && (before > 0) != (after > 0))
            changed(setting, work, k, after > 0 ? 1.0 : -1.0);
    }
    put_on_walls(setting, state, walls, j, sides);
}
