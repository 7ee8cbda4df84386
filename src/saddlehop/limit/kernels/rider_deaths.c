/* Who dies in a panel, and what that takes from b'; see riders.c.
 *
 * What a class would add after its death at θ, s = M g z for x > θ, goes by its moments: as the polynomial
 * whose values at Radau's points, with their weights, are the integrals of s times Lagrange's
 * polynomials, so the step keeps its order. LANES deaths go at once.
 */
#include <string.h>

#include "riders.h"

#define SLIGHT 1e-9 /* part of b that a death may take and need not be found in time */
#define MOST_SECANTS 30
#define NEAR 1e-4   /* part of the way over a bracket: what θ changes goes with the square of its error */

/* Deaths of a rider, one in each lane; those without have no mass. */
typedef struct {
    int count;
    Lanes mass;
    Lanes low, high;              /* θ lies between */
    Lanes above, under;           /* z there */
    Lanes path[PLACES], push[PLACES]; /* z, g */
} Batch;

/* Multiply by Σ a b. */
static void multiply_by_dot(const Lanes *a, const Lanes *b, Lanes *product)
{
    Lanes sum = {0};
    for (int i = 0; i < PLACES; i++)
        sum += a[i] * b[i];
    *product *= sum;
}

static void secant(const Batch *batch, Lanes *x)
{
    *x = batch->low + (batch->high - batch->low) * batch->above / (batch->above - batch->under);
}

/* Narrow the brackets of θ, by secants that halve the end that stays; return whether all are near. */
static bool narrow(const Radau *radau, Batch *batch)
{
    bool near = true;
    Lanes middle, value = (Lanes){0} + 1, values[PLACES];
    secant(batch, &middle);
    weigh(radau, &middle, values);
    multiply_by_dot(values, batch->path, &value);
    for (int lane = 0; lane < LANES; lane++) {
        near &= fabs(value[lane]) <= NEAR * (batch->above[lane] - batch->under[lane]);
        if (value[lane] < 0) {
            batch->high[lane] = middle[lane];
            batch->under[lane] = value[lane];
            batch->above[lane] /= 2;
        } else {
            batch->low[lane] = middle[lane];
            batch->above[lane] = value[lane];
            batch->under[lane] /= 2;
        }
    }
    return near;
}

/* Take from b' of a lane what the batch would add after its deaths. */
static void withdraw(const Radau *radau, const Panel *panel, Batch *batch, int64_t lane, Lanes *extra)
{
    const double *weights = radau->integrals + (PLACES - 1) * PLACES;
    Lanes moments[PLACES] = {{0}}, values[PLACES], death;
    if (batch->count == 0)
        return;
    for (int i = 0; i < MOST_SECANTS && !narrow(radau, batch); i++)
        continue;
    secant(batch, &death);
    for (int q = 0; q < PLACES; q++) {
        Lanes x = death + (1 - death) * radau->points[q], r = {0};
        weigh(radau, &x, values);
        for (int i = 0; i < PLACES; i++)
            r += values[i] * panel->sizes[i];
        Lanes part = (1 - death) * weights[q] * r * r * batch->mass;
        multiply_by_dot(values, batch->push, &part);
        multiply_by_dot(values, batch->path, &part);
        for (int i = 0; i < PLACES; i++)
            moments[i] += part * values[i];
    }
    for (int i = 0; i < PLACES; i++)
        extra[i][lane] -= sum_of(&moments[i]) / (weights[i] * panel->sizes[i] * panel->sizes[i]);
    batch->count = 0;
    batch->mass = (Lanes){0};
}

/* Values at a class of what nodes have over a panel. */
static void interpolate(int64_t n, const double *shares, const double *nodes, double *values)
{
    memset(values, 0, PLACES * sizeof *values);
    for (int64_t c = 0; c < n; c++)
        for (int i = 0; i < PLACES; i++)
            values[i] += shares[c] * nodes[c * PLACES + i];
}

/* Put a death into the batch. */
static void enter(const Radau *radau, const double *path, const double *push, double mass, int first,
                  Batch *batch)
{
    Lanes values[PLACES], start = {0};
    double above = first > 0 ? path[first - 1] : 0.0;
    int lane = batch->count++;
    if (first == 0) {
        weigh(radau, &start, values);
        for (int i = 0; i < PLACES; i++)
            above += values[i][0] * path[i];
    }
    batch->mass[lane] = mass;
    batch->low[lane] = first > 0 ? radau->points[first - 1] : 0.0;
    batch->high[lane] = radau->points[first];
    batch->above[lane] = above > 0 ? above : 0.0;
    batch->under[lane] = path[first];
    for (int i = 0; i < PLACES; i++) {
        batch->path[i][lane] = path[i];
        batch->push[i][lane] = push[i];
    }
}

/* Note the death of a class, if it dies. */
static void try_death(int64_t n, const Radau *radau, const Riders *riders, const Panel *panel,
                      double mass, Death death, Graveyard *graveyard, Batch *batch, Lanes *extra)
{
    const double *shares = riders->shares + death.class * n;
    double path[PLACES], push[PLACES], most = 0.0;
    int first = 0;
    interpolate(n, shares, graveyard->path, path);
    while (first < PLACES && path[first] >= 0)
        first++;
    if (first == PLACES)
        return;
    graveyard->deaths[graveyard->n_deaths++] = death;
    interpolate(n, shares, panel->pushes, push);
    for (int i = first; i < PLACES; i++)
        most = fmax(most, fabs(mass * push[i] * path[i]) * panel->length);
    graveyard->taken += most;
    if (most <= SLIGHT) {
        for (int i = first; i < PLACES; i++)
            extra[i][death.lane] -= mass * push[i] * path[i];
        return;
    }
    enter(radau, path, push, mass, first, batch);
    if (batch->count == LANES)
        withdraw(radau, panel, batch, death.lane, extra);
}

/* Bring the path of the nodes of a lane together; return whether any falls below 0. */
static bool lay_out(int64_t n, const Group *group, int64_t lane, Graveyard *graveyard)
{
    bool any = false;
    for (int64_t c = 0; c < n; c++) {
        double *path = graveyard->path + c * PLACES, least = INFINITY;
        for (int i = 0; i < PLACES; i++) {
            path[i] = group->path[c * PLACES + i][lane];
            least = path[i] < least ? path[i] : least;
        }
        graveyard->fell[c] = least < 0;
        any |= graveyard->fell[c];
    }
    return any;
}

/* Find who dies in the panel, and fill what that takes from b' at its points. */
void find_deaths(int64_t n, const Radau *radau, const Riders *riders, const Panel *panel,
                 const Group *group, Graveyard *graveyard, Lanes *extra)
{
    memset(extra, 0, PLACES * sizeof *extra);
    graveyard->n_deaths = 0;
    graveyard->taken = 0.0;
    for (int64_t lane = 0; lane < LANES && group->first + lane < riders->n_riders; lane++) {
        const double *masses = riders->masses + (group->first + lane) * riders->n_classes;
        Batch batch = {.under = (Lanes){0} - 1};
        if (!lay_out(n, group, lane, graveyard))
            continue;
        for (int64_t k = 0; k < riders->n_classes; k++) {
            int64_t below = riders->below[k], above = below + 1 < n ? below + 1 : below;
            if (masses[k] > 0 && (graveyard->fell[below] || graveyard->fell[above]))
                try_death(n, radau, riders, panel, masses[k], (Death){k, lane}, graveyard, &batch, extra);
        }
        withdraw(radau, panel, &batch, lane, extra);
    }
}

/* Take the masses of the dead out of the nodes. */
void bury_dead(int64_t n, const Riders *riders, const Graveyard *graveyard, Group *group)
{
    for (int64_t i = 0; i < graveyard->n_deaths; i++) {
        Death death = graveyard->deaths[i];
        double *mass = riders->masses + (group->first + death.lane) * riders->n_classes + death.class;
        for (int64_t c = 0; c < n; c++)
            group->masses[c][death.lane] -= *mass * riders->shares[death.class * n + c];
        *mass = 0.0;
    }
}
